import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LoadedModel } from '../../../src/auto/index.ts';
import { load } from '../../../src/auto/node/index.ts';
import { type HostTensor, Random } from '../../../src/core/index.ts';
import { type Picture, picture } from '../../../src/data/index.ts';
import { readSafetensors } from '../../../src/hub/node/index.ts';
import type { BlipProcessor } from '../../../src/models/index.ts';
import { caption, match, vqa } from '../../../src/tasks/index.ts';

/** Ids as the twins have them: 2 and 3 stand around a text, 95 begins an answer; words are w4 to w96. */
const VOCABULARY = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', ...Array.from({ length: 93 }, (_, i) => `w${i + 4}`)];
const special = (content: string, id: number): object => ({ id, content, special: true });
const TOKENIZER = {
  added_tokens: ['[PAD]', '[UNK]', '[CLS]', '[SEP]'].map(special),
  normalizer: null,
  pre_tokenizer: { type: 'WhitespaceSplit' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [
      { SpecialToken: { id: '[CLS]', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '[SEP]', type_id: 0 } },
    ],
    pair: [],
    special_tokens: {
      '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
      '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
    },
  },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: false },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(VOCABULARY.map((word, id) => [word, id])),
  },
};
const PREPROCESSOR = { size: { height: 13, width: 13 }, resample: 3, do_resize: true, do_normalize: true };

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'blip-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

function twin(name: string): string {
  return fileURLToPath(new URL(`../../parity/fixtures/blip/${name}`, import.meta.url));
}

async function writeFolder(name: string, change: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const folder = await mkdtemp(join(scratch, `${name}-`));
  await cp(twin(name), folder, { recursive: true });
  const files = { 'tokenizer.json': TOKENIZER, 'preprocessor_config.json': PREPROCESSOR, ...change };
  for (const [file, contents] of Object.entries(files)) await writeFile(join(folder, file), JSON.stringify(contents));
  return folder;
}

const noise = ((): Picture => {
  const random = new Random(1);
  return picture(
    20,
    16,
    3,
    Uint8Array.from({ length: 20 * 16 * 3 }, () => Math.floor(random.uniform(0, 256))),
  );
})();

/** Lets the processor give the pixels of the fixture, so that what follows is what Transformers computed. */
function seeing(processor: BlipProcessor, pixels: HostTensor): void {
  Object.defineProperty(processor, 'batch', { value: () => pixels, configurable: true });
}

function firstRow({ dtype, shape, data }: HostTensor, row: number): HostTensor {
  const size = data.length / shape[0]!;
  return { dtype, shape: [1, ...shape.slice(1)], data: data.slice(row * size, (row + 1) * size) } as HostTensor;
}

async function expectedOf(name: string): Promise<ReadonlyMap<string, HostTensor>> {
  return readSafetensors(join(twin(name), 'expected.safetensors'));
}

const numbers = (tensor: HostTensor | undefined): number[] => Array.from(tensor!.data as BigInt64Array, Number);

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: unknown) => error);
}

describe('a captioner', () => {
  let model: LoadedModel;
  beforeAll(async () => void (model = await load(await writeFolder('caption'), { threads: 1 })));
  afterAll(() => model.dispose());

  it('writes what Transformers writes, from nothing and from the start of a caption', async () => {
    if (model.kind !== 'captioner') throw new Error(model.kind);
    const expected = await expectedOf('caption');
    for (const [row, prompt] of ['', 'w17 w44'].entries()) {
      seeing(model.parts.processor, firstRow(expected.get('pixels')!, row));
      const tokens: number[] = [];
      let text = '';
      for await (const piece of model.answer(noise, prompt, { maxNewTokens: 32 })) {
        tokens.push(piece.token.token);
        text += piece.text;
      }
      expect(tokens).toEqual(numbers(expected.get(`tokens.${row}`)));
      expect(text.trim()).toBe(model.parts.tokenizer.decode(tokens));
    }
    Reflect.deleteProperty(model.parts.processor, 'batch');
  });

  it('describes pictures, and nothing else', async () => {
    const answer = await caption(model, noise);
    expect(answer.text).toMatch(/w\d+/);
    expect(await caption(model, noise)).toEqual(answer);
    expect(await failure(vqa(model, noise, 'w5'))).toMatchObject({ code: 'checkpoint' });
    expect(await failure(match(model, noise, 'w5'))).toMatchObject({ code: 'checkpoint' });
  });
});

describe('a model of questions', () => {
  let model: LoadedModel;
  beforeAll(async () => void (model = await load(await writeFolder('vqa'), { threads: 1 })));
  afterAll(() => model.dispose());

  it('answers as Transformers does', async () => {
    if (model.kind !== 'question') throw new Error(model.kind);
    const expected = await expectedOf('vqa');
    for (const row of [0, 1]) {
      seeing(model.parts.processor, firstRow(expected.get('pixels')!, row));
      const ids = numbers(firstRow(expected.get('question')!, row)).slice(1, -1);
      const question = ids.map((id) => `w${id}`).join(' ');
      const { tokens } = await vqa(model, noise, question, { maxNewTokens: 32 });
      expect(tokens.map(({ token }) => token)).toEqual(numbers(expected.get(`tokens.${row}`)));
    }
    Reflect.deleteProperty(model.parts.processor, 'batch');
  });

  it('takes questions of any length about one picture', async () => {
    const short = await vqa(model, noise, 'w5', { maxNewTokens: 5 });
    const long = await vqa(model, [noise], 'w9 w8 w7 w6 w5 w4 w30', { maxNewTokens: 5 });
    expect([short.tokens.length, long.tokens.length]).toEqual([5, 5]);
    expect(await failure(vqa(model, [noise, noise], 'w5'))).toMatchObject({
      code: 'data',
      message: expect.stringContaining('not 2'),
    });
    expect(await failure(vqa(model, noise, 'w5 '.repeat(60)))).toMatchObject({
      code: 'data',
      message: expect.stringContaining('62 tokens'),
    });
  });
});

describe('a matcher', () => {
  it('holds a text against a picture as Transformers does', async () => {
    const model = await load(await writeFolder('itm'), { threads: 1 });
    if (model.kind !== 'matcher') throw new Error(model.kind);
    const expected = await expectedOf('itm');
    seeing(model.parts.processor, firstRow(expected.get('pixels')!, 0));
    const { probability, cosine } = await match(model, noise, 'w21 w50 w7 w88');
    const [no, yes] = expected.get('itm')!.data as Float32Array;
    // Two blocks in float32 round off about 1e-6.
    expect(probability).toBeCloseTo(Math.exp(yes!) / (Math.exp(no!) + Math.exp(yes!)), 5);
    expect(cosine).toBeCloseTo(Number(expected.get('cosines')!.data[0]), 5);
    expect(await failure(caption(model, noise))).toMatchObject({ code: 'checkpoint' });
    await model.dispose();
  });
});

describe('a folder of BLIP', () => {
  it.each([
    ['no head that is known', { architectures: ['BlipModel'] }, {}, /BlipModel/],
    ['no head at all', { architectures: null }, {}, /nothing/],
    ['a smaller vocabulary', { text_config: { vocab_size: 50, bos_token_id: 4, sep_token_id: 3 } }, {}, /97 tokens/],
    ['pictures of another size', {}, { 'preprocessor_config.json': { size: { height: 8, width: 8 } } }, /8 × 8/],
  ])('with %s is refused', async (_, change, files, message) => {
    const config = JSON.parse(await readFile(join(twin('caption'), 'config.json'), 'utf8')) as Record<string, object>;
    const parts = { ...config, ...change } as Record<string, unknown>;
    if ('text_config' in change) parts['text_config'] = { ...config['text_config'], ...change.text_config };
    const folder = await writeFolder('caption', { ...files, 'config.json': parts });
    expect(await failure(load(folder, { threads: 1 }))).toMatchObject({
      code: 'checkpoint',
      message: expect.stringMatching(message),
    });
  });
});
