import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel } from '../../src/auto/node/index.ts';
import type { HostTensor } from '../../src/core/index.ts';
import { Decoding } from '../../src/generate/index.ts';
import {
  openCheckpoint,
  quantizeCheckpoint,
  readSafetensors,
  saveCheckpoint,
  tensorSources,
  weightStreams,
} from '../../src/hub/node/index.ts';
import { createRuntime } from '../../src/runtime/node/index.ts';
import type { Runtime } from '../../src/runtime/types.ts';

const DECODERS = ['llama', 'qwen2', 'qwen3'];

/**
 * Cosines of the logits, least beside a float32 model of the numbers that the few bits stand for, and least and most beside
 * the model before. The twins' weights are large, so that every tensor matters, and attention is as sharp: errors grow about
 * fivefold on the way. The kernels round what they multiply to 8 bits in every block (0.5 %), which leaves about
 * (5 · 0.5 % · √2)² / 2 ≈ 0.0006 of a cosine. Weights rounded to 8 bits (0.4 %) leave as much again, to 4 bits (7 %)
 * (5 · 7 % · √2)² / 2 ≈ 0.1.
 */
const BOUNDS = {
  int8: { alike: 0.998, least: 0.997, most: 1 - 1e-9 },
  int4: { alike: 0.998, least: 0.85, most: 0.99 },
} as const;

let runtime: Runtime;
let scratch: string;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  scratch = await mkdtemp(join(tmpdir(), 'quantized-'));
});
afterAll(async () => {
  await runtime.dispose();
  await rm(scratch, { recursive: true });
});

function folderOf(name: string): string {
  return fileURLToPath(new URL(`fixtures/decoders/${name}`, import.meta.url));
}

/** Logits after every token of a text, read in two pieces and then token by token. @returns [T, V] */
async function logits(folder: string, tokens: readonly number[]): Promise<Float32Array> {
  const { architecture, weights } = await openModel(folder);
  if (architecture.kind !== 'generating') throw new Error('no decoder');
  const decoding = await Decoding.create(runtime, architecture.model, weights);
  const state = await decoding.start(1, tokens.length);
  const rows: number[] = [];
  rows.push(...(await state.read([tokens.slice(0, 6)])).data, ...(await state.read([tokens.slice(6, 9)])).data);
  for (let i = 9; i < tokens.length; i++) rows.push(...(await state.read([[tokens[i]!]])).data);
  state.dispose();
  decoding.dispose();
  return Float32Array.from(rows);
}

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array): number => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

describe.each(DECODERS)('%s', (name) => {
  let tokens: number[];
  let whole: Float32Array;
  beforeAll(async () => {
    const expected: ReadonlyMap<string, HostTensor> = await readSafetensors(
      join(folderOf(name), 'expected.safetensors'),
    );
    tokens = ['ids.0', 'tokens.0'].flatMap((key) => Array.from(expected.get(key)!.data as BigInt64Array, Number));
    whole = await logits(folderOf(name), tokens);
  });

  it.each(['int8', 'int4'] as const)(
    'in %s says nearly the same, and bit by bit the same from a saved copy',
    async (form) => {
      const folder = join(scratch, `${name}-${form}`);
      await quantizeCheckpoint(folderOf(name), folder, { default: form });
      const found = await logits(folder, tokens);
      const { alike, least, most } = BOUNDS[form];
      expect(cosine(found, whole)).toBeGreaterThan(least);
      expect(cosine(found, whole)).toBeLessThan(most);
      const [copy, dequantized] = [`${folder}-copy`, `${folder}-float32`];
      const { config, weights } = await openCheckpoint(folder);
      const parts = { config, tensors: weightStreams(weights), companionsOf: folder };
      await saveCheckpoint(copy, parts, { maxShardBytes: 20_000 });
      const { quantization_config: _, ...plain } = config;
      await saveCheckpoint(dequantized, { config: plain, tensors: tensorSources(await weights.readAll()) });
      await weights.close();
      expect(cosine(found, await logits(dequantized, tokens))).toBeGreaterThan(alike);
      expect(await logits(copy, tokens)).toEqual(found);
    },
  );

  it('is nearer with zero points, smaller blocks, and where the head keeps 8 bits', async () => {
    const near = async (label: string, settings: Parameters<typeof quantizeCheckpoint>[2]): Promise<number> => {
      const folder = join(scratch, `${name}-${label}`);
      await quantizeCheckpoint(folderOf(name), folder, settings);
      return cosine(await logits(folder, tokens), whole);
    };
    const plain = await near('plain', {});
    expect(await near('head', { modules: { lm_head: 'int8' } })).toBeGreaterThan(plain);
    expect(await near('small', { block: 16, symmetric: false })).toBeGreaterThan(plain);
    expect(await near('large', { block: 128 })).toBeLessThan(plain);
  });

  it('runs bit by bit as before from a folder that was saved anew', async () => {
    const folder = join(scratch, `${name}-saved`);
    const { config, weights } = await openCheckpoint(folderOf(name));
    await saveCheckpoint(folder, { config, tensors: weightStreams(weights) }, { maxShardBytes: 20_000 });
    await weights.close();
    expect(await readFile(join(folder, 'config.json'), 'utf8')).toContain(name.slice(0, 5));
    expect(await logits(folder, tokens)).toEqual(whole);
  });
});
