// Pixels and tokens of processors against those of Transformers with its PIL backend; see make/processors.py.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { createProcessor } from '../../src/auto/index.ts';
import type { HostTensor } from '../../src/core/index.ts';
import { CheckpointTokenizer, type Picture, picture } from '../../src/data/index.ts';
import { readSafetensors } from '../../src/hub/node/safetensors-file.ts';
import {
  createClipProcessor,
  createSiglipProcessor,
  createViTProcessor,
  parsePixelConfig,
  type PictureProcessor,
  type PixelConfig,
  type PreparedPicture,
  type ProcessorFiles,
} from '../../src/models/index.ts';

interface Case {
  readonly name: string;
  readonly model: { readonly model_type: string };
  readonly preprocessor: unknown;
  readonly processor?: unknown;
  readonly pictures: readonly string[];
  readonly tokenizer: 'byte' | 'llama';
  readonly text?: string;
  readonly tokens?: readonly number[];
  readonly grids?: readonly (readonly number[])[];
}

const path = (file: string): string => fileURLToPath(new URL(`fixtures/processors/${file}`, import.meta.url));
const json = (file: string): unknown => JSON.parse(readFileSync(path(file), 'utf8'));
const { cases, versions } = json('cases.json') as { cases: Case[]; versions: { every: number } };
const NAMES = {
  byte: { bos_token: '<|im_start|>', eos_token: '<end_of_utterance>' },
  llama: { bos_token: '<s>', eos_token: '</s>' },
};
const tokenizers = Object.fromEntries(
  (['byte', 'llama'] as const).map((name) => [
    name,
    new CheckpointTokenizer({ tokenizer: json(`tokenizer-${name}.json`), tokenizerConfig: NAMES[name] }),
  ]),
);

let expected: ReadonlyMap<string, HostTensor>;
const pictures = new Map<string, Picture>();
beforeAll(async () => {
  expected = await readSafetensors(path('expected.safetensors'));
  for (const [name, { shape, data }] of await readSafetensors(path('pictures.safetensors')))
    pictures.set(name, picture(shape[1]!, shape[0]!, shape[2] as 3 | 4, data as Uint8Array));
});

function files({ preprocessor, processor }: Case): ProcessorFiles {
  return {
    ...(preprocessor === null ? {} : { preprocessor }),
    ...(processor === undefined ? {} : { processor }),
  };
}

/** Largest difference before normalisation, in steps of a byte. Patches [P, C] hold their channels one after another. */
function byteDifference({ shape, data }: HostTensor, wanted: Uint8Array, config: PixelConfig): number {
  expect(data.length).toBe(wanted.length);
  const inChannel = shape.length === 2 ? shape[1]! / 3 : shape[2]! * shape[3]!;
  let most = 0;
  for (let i = 0; i < wanted.length; i++) {
    const c = Math.floor(i / inChannel) % 3;
    const value =
      Number(data[i]) * (config.deviation?.[c] ?? 1) + (config.deviation === undefined ? 0 : config.mean[c]!);
    most = Math.max(most, Math.abs(value / (config.scale ?? 1) - wanted[i]!));
  }
  return most;
}

/**
 * The bar is a difference of 1 (one 255th) before normalisation and of 1 / 255 after. Resizing is PIL's byte for byte, so
 * that bytes must be the very same; 1e-3 is what rounding to float32 leaves of a byte. Normalised numbers are rounded as
 * NumPy rounds them and must be identical.
 */
function checkPixels(pixels: HostTensor, name: string, config: PixelConfig): void {
  expect(byteDifference(pixels, expected.get(name)!.data as Uint8Array, config)).toBeLessThan(1e-3);
  const some = expected.get(`${name}/values`)!.data as Float32Array;
  const own = Float32Array.from(some, (_, i) => Number(pixels.data[i * versions.every]));
  expect(own).toEqual(some);
}

const DEFAULTS = { filter: 'bicubic', mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] } as const;

const PICTURE_PROCESSORS: Readonly<Record<string, (files: ProcessorFiles) => PictureProcessor>> = {
  vit: createViTProcessor,
  clip: createClipProcessor,
  siglip: createSiglipProcessor,
};

describe('pictures alone', () => {
  it.each(cases.filter(({ text, model }) => text === undefined && model.model_type !== 'blip'))('$name', (entry) => {
    const processor = PICTURE_PROCESSORS[entry.model.model_type]!(files(entry));
    for (const name of entry.pictures) {
      const pixels = processor.batch([pictures.get(name)!]);
      expect(pixels.shape[0]).toBe(1);
      checkPixels(pixels, `${entry.name}/${name}`, processor.config);
    }
  });

  it('makes the same of a batch as of each picture', () => {
    const entry = cases.find(({ name }) => name === 'clip')!;
    const processor = PICTURE_PROCESSORS[entry.model.model_type]!(files(entry));
    const batch = processor.batch(entry.pictures.map((name) => pictures.get(name)!));
    expect(batch.shape).toEqual([entry.pictures.length, 3, 24, 17]);
    const alone = entry.pictures.flatMap((name) => [...processor.batch([pictures.get(name)!]).data]);
    expect(batch.data).toEqual(Float32Array.from(alone));
  });
});

describe('BLIP', () => {
  it('gives a picture and the tokens of a text', () => {
    const entry = cases.find(({ name }) => name === 'blip')!;
    const processor = createProcessor(entry.model, files(entry), tokenizers['llama']!);
    for (const name of entry.pictures) {
      const prepared = processor.prepare('a red square', [pictures.get(name)!]);
      expect(prepared.tokens).toEqual(tokenizers['llama']!.encode('a red square'));
      checkPixels(
        prepared.pictures[0]!.inputs['pixel_values']!,
        `blip/${name}`,
        parsePixelConfig(files(entry), DEFAULTS),
      );
    }
    expect(() => processor.prepare('', [])).toThrow('BLIP looks at one picture, not 0');
  });
});

describe('pictures and text', () => {
  it.each(cases.filter(({ text }) => text !== undefined))('$name: $pictures', (entry) => {
    const tokenizer = tokenizers[entry.tokenizer]!;
    const processor = createProcessor(entry.model, files(entry), tokenizer);
    const prepared = processor.prepare(
      entry.text!,
      entry.pictures.map((name) => pictures.get(name)!),
    );
    expect(prepared.tokens).toEqual(entry.tokens);
    expect(prepared.pictures).toHaveLength(entry.pictures.length);
    const config = parsePixelConfig(files(entry), DEFAULTS);
    for (const [i, name] of entry.pictures.entries()) {
      const { inputs, grid, imageSize } = prepared.pictures[i]!;
      expect(Object.keys(inputs)).toEqual(['pixel_values']);
      checkPixels(inputs['pixel_values']!, `${entry.name}/${name}`, config);
      expect(grid).toEqual(entry.grids?.[i]);
      expect(imageSize).toEqual([pictures.get(name)!.height, pictures.get(name)!.width]);
    }
    // Rows of features and image tokens are one number.
    const image = tokenizer.id(entry.text!.includes('<|image_pad|>') ? '<|image_pad|>' : '<image>');
    const features = prepared.pictures.reduce((sum: number, one: PreparedPicture) => sum + one.features, 0);
    expect(prepared.tokens.filter((token) => token === image)).toHaveLength(features);
  });

  it.each(cases.filter(({ text }) => text !== undefined))('$name: $pictures, where features look', (entry) => {
    const processor = createProcessor(entry.model, files(entry), tokenizers[entry.tokenizer]!);
    const given = entry.pictures.map((name) => pictures.get(name)!);
    const prepared = processor.prepare(entry.text!, given);
    const regions = processor.regions(given);
    expect(regions.map((each) => each.length)).toEqual(prepared.pictures.map((one) => one.features));
    for (const each of regions) {
      // Every place of the picture that is not cropped away lies under some feature; its middle always does.
      const inside = each.filter((region) => region !== undefined);
      const holds = (x: number, y: number): boolean =>
        inside.some(([left, top, right, bottom]) => left <= x && x <= right && top <= y && y <= bottom);
      expect(holds(0.5, 0.5)).toBe(true);
      for (const [left, top, right, bottom] of inside) {
        expect(right).toBeGreaterThan(left);
        expect(bottom).toBeGreaterThan(top);
      }
    }
  });
});
