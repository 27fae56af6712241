import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createPictureProcessor, createProcessor } from '../../../src/auto/index.ts';
import { CheckpointError, DataError } from '../../../src/core/index.ts';
import { CheckpointTokenizer, picture } from '../../../src/data/index.ts';
import type { ProcessorFiles } from '../../../src/models/index.ts';

interface Case extends ProcessorFiles {
  readonly name: string;
  readonly model: Record<string, unknown>;
}

const fixtures = new URL('../../parity/fixtures/processors/', import.meta.url);
const json = (file: string): unknown => JSON.parse(readFileSync(new URL(file, fixtures), 'utf8'));
const { cases } = json('cases.json') as { cases: Case[] };
const tokenizerJson = (name: string) => json(`tokenizer-${name}.json`) as { added_tokens: { content: string }[] };
const byte = new CheckpointTokenizer({ tokenizer: tokenizerJson('byte') });
const llama = new CheckpointTokenizer({
  tokenizer: tokenizerJson('llama'),
  tokenizerConfig: { bos_token: '<s>', eos_token: '</s>' },
});

/** The files of a case, each changed. */
function changed(name: string, changes: { model?: object; preprocessor?: object; processor?: object }): Case {
  const found = cases.find((one) => one.name === name)!;
  return {
    name,
    model: { ...found.model, ...changes.model },
    preprocessor: { ...(found.preprocessor as object), ...changes.preprocessor },
    processor: { ...(found.processor as object), ...changes.processor },
  };
}
const create = (entry: Case, tokenizer = entry.name.startsWith('llava') ? llama : byte) =>
  createProcessor(entry.model, entry, tokenizer);

const IMAGE_AND_PATCH = { image_size: 16, patch_size: 2 };

describe('createProcessor', () => {
  it.each([
    ['idefics3-0', { processor: { image_seq_len: 5 } }, /5 image tokens for a tile.*makes 4 rows of features/],
    ['idefics3-0', { model: { scale_factor: 1 } }, /4 image tokens for a tile.*makes 16 rows of features/],
    ['idefics3-0', { preprocessor: { max_image_size: { longest_edge: 8 } } }, /tiles of 8 pixels.*takes 16/],
    ['llava-0', { processor: { vision_feature_select_strategy: 'full' } }, /17 image tokens.*makes 16 rows/],
    ['llava-0', { processor: { num_additional_image_tokens: 0 } }, /15 image tokens.*makes 16 rows/],
    ['llava-0', { processor: { patch_size: 14 } }, /4 image tokens.*makes 16 rows/],
    ['llava-0', { preprocessor: { crop_size: 30 } }, /tiles of 30 pixels.*takes 28/],
    ['llava-0', { preprocessor: { do_center_crop: false } }, /not bring pictures to one size/],
    ['onevision-0', { processor: { num_image_tokens: 9 } }, /9 image tokens.*makes 16 rows/],
    ['onevision-0', { model: { vision_config: IMAGE_AND_PATCH } }, /16 image tokens.*makes 64 rows/],
    ['onevision-0', { model: { image_grid_pinpoints: [[16, 16]] } }, /differ in image_grid_pinpoints/],
    [
      'onevision-0',
      { processor: { vision_aspect_ratio: 'anyres_max_4' } },
      /differ in image_grid_pinpoints or vision_aspect/,
    ],
    [
      'qwen-0',
      { preprocessor: { merge_size: 1 } },
      /1 of which are one image token; the model expects 4 pixels, 2 frames and 4 for a row/,
    ],
  ])('refuses %s with %j', (name, changes, message) => {
    expect(() => create(changed(name, changes))).toThrow(CheckpointError);
    expect(() => create(changed(name, changes))).toThrow(message);
  });

  it.each([
    ['idefics3-0', { preprocessor: { size: { longest_edge: 0 } } }, /size/],
    ['idefics3-0', { processor: { image_seq_len: 1e9 } }, /image_seq_len/],
    ['llava-0', { processor: { patch_size: 0 } }, /patch_size/],
    ['llava-0', { processor: { image_token: '' } }, /image_token/],
    ['onevision-0', { processor: { vision_aspect_ratio: 'pad' } }, /vision_aspect_ratio/],
    ['onevision-0', { processor: { num_image_tokens: null } }, /no num_image_tokens/],
    ['onevision-0', { preprocessor: { image_grid_pinpoints: [] } }, /image_grid_pinpoints/],
    ['onevision-0', { preprocessor: { size: { height: 16, width: 32 } } }, /resized to squares/],
    ['qwen-0', { preprocessor: { min_pixels: 5000 } }, /at least 5000 pixels, but at most 1600/],
    ['qwen-0', { preprocessor: { max_pixels: 1e12 } }, /max_pixels/],
  ])('refuses files of %s with %j', (name, changes, message) => {
    expect(() => create(changed(name, changes))).toThrow(CheckpointError);
    expect(() => create(changed(name, changes))).toThrow(message);
  });

  it('takes from the model what older files of LLaVA do not tell', () => {
    const { processor: _, ...entry } = changed('llava-0', {});
    const prepared = create(entry).prepare('USER: <image> ASSISTANT:', [picture(9, 7, 3)]);
    expect(prepared.pictures[0]!.features).toBe(16);
  });

  it('refuses tokenizers without the image token, or with another id for it', () => {
    expect(() => create(changed('qwen-0', {}), llama)).toThrow(/no token <\|image_pad\|>/);
    expect(() => create(changed('idefics3-0', { model: { image_token_id: 3 } }))).toThrow(
      /<image> is token \d+ of the tokenizer, but the model expects 3/,
    );
  });

  it('refuses architectures that it does not know', () => {
    expect(() => createProcessor({ model_type: 'toString' }, {}, byte)).toThrow(/no processor is known/);
    expect(() => createPictureProcessor({ model_type: 'llava' }, {})).toThrow(/known ones are vit, clip, siglip/);
    expect(() => createPictureProcessor({}, {})).toThrow(CheckpointError);
  });

  it.each([
    ['idefics3-0', '<image>'],
    ['llava-0', '<image>'],
    ['onevision-0', '<image>'],
    ['qwen-0', '<|image_pad|>'],
  ])('%s: markers and pictures must be as many', (name, marker) => {
    const processor = create(changed(name, {}));
    const one = picture(9, 7, 3);
    expect(() => processor.prepare('nothing', [one])).toThrow(/0 image markers .* there is 1 picture/);
    expect(() => processor.prepare(`${marker}${marker}`, [one])).toThrow(/2 image markers .* there is 1 picture/);
    expect(() => processor.prepare(marker, [])).toThrow(DataError);
    expect(processor.prepare('nothing', []).pictures).toEqual([]);
  });

  it('sees that a tokenizer does not read image tokens as such', () => {
    // The word is in the vocabulary, but nothing splits texts at it.
    const file = tokenizerJson('byte') as { added_tokens: { content: string; id: number }[]; model: { vocab: object } };
    const image = file.added_tokens.find(({ content }) => content === '<image>')!;
    const broken = new CheckpointTokenizer({
      tokenizer: {
        ...file,
        added_tokens: file.added_tokens.filter((token) => token !== image),
        model: { ...file.model, vocab: { ...file.model.vocab, '<image>': image.id } },
      },
    });
    expect(() => create(changed('idefics3-0', {}), broken).prepare('a <image>', [picture(9, 7, 3)])).toThrow(
      /makes 0 image tokens of 17 times <image>/,
    );
  });

  it('bounds what pictures of very uneven sides become', () => {
    const long = picture(20_000, 2, 3);
    expect(() => create(changed('qwen-0', {})).prepare('<|image_pad|>', [long])).toThrow(
      /one side may be at most 200 times/,
    );
    const unsized = create(changed('idefics3-0', { preprocessor: { do_resize: false } }));
    expect(() => unsized.prepare('<image>', [long])).toThrow(/becomes 1250 × 1 tiles, more than 1024/);
    expect(create(changed('idefics3-0', {})).prepare('<image>', [long]).pictures[0]!.features).toBe(20);
  });
});

describe('createPictureProcessor', () => {
  const preprocessor = { size: { height: 24, width: 24 } };

  it('refuses pictures of another size than the model takes', () => {
    const model = (side: number) => ({ model_type: 'siglip', vision_config: { image_size: side, patch_size: 8 } });
    expect(createPictureProcessor(model(24), { preprocessor }).batch([picture(3, 4, 3)]).shape).toEqual([1, 3, 24, 24]);
    expect(() => createPictureProcessor(model(32), { preprocessor })).toThrow(
      /gives pictures of 24 × 24.*takes 32 × 32/,
    );
  });
});
