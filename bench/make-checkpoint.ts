/**
 * Writes a checkpoint of a real model's size with random weights:
 *
 *     node dist/bench/make-checkpoint.js NAME FOLDER [bfloat16|float32]
 */
import { argv, stdout } from 'node:process';
import { pathToFileURL } from 'node:url';
import { createModel } from '../src/auto/index.ts';
import { byteSize, elementCount, Random, type WeightDType } from '../src/core/index.ts';
import { type JsonObject, saveCheckpoint, type TensorStream } from '../src/hub/node/index.ts';
import { CHECKPOINTS, type CheckpointShape } from './workloads/checkpoints.ts';

const PIECE = 2 * 1024 * 1024;

/** @param name one of `CHECKPOINTS`  @param folder to be made */
export async function makeCheckpoint(name: string, folder: string, dtype: 'bfloat16' | 'float32'): Promise<void> {
  const shape = CHECKPOINTS[name];
  if (shape === undefined) throw new Error(`no checkpoint '${name}'; known are ${Object.keys(CHECKPOINTS).join(', ')}`);
  const { model } = createModel(shape.config);
  const tensors = [...model.parameters()].map(([path, parameter]) => randomTensor(path, parameter.shape, dtype));
  const config = { ...shape.config, torch_dtype: dtype };
  const files = { ...tokenizerFiles(shape), ...shape.files };
  await saveCheckpoint(folder, { config, tensors, files }, { maxShardBytes: shape.maxShardBytes });
}

/** Numbers evenly spread, of variance 1 / inputs for matrices, about 1 for scales and small for biases. */
function randomTensor(name: string, shape: readonly number[], dtype: WeightDType): TensorStream {
  const count = elementCount(shape);
  const inputs = elementCount(shape.slice(1));
  const isScale = shape.length < 2 && name.endsWith('weight');
  const reach = shape.length < 2 ? 0.1 : Math.sqrt(3 / inputs);
  async function* pieces(): AsyncGenerator<Uint8Array> {
    let state = (new Random(7).fork(name).uniform() * 2 ** 32) >>> 0 || 1;
    const numbers = new Float32Array(Math.min(PIECE, count));
    const words = new Uint32Array(numbers.buffer);
    const halves = new Uint16Array(numbers.length);
    for (let done = 0; done < count; done += numbers.length) {
      const length = Math.min(numbers.length, count - done);
      state = fillUniform(numbers.subarray(0, length), state, reach, isScale ? 1 : 0);
      if (dtype === 'float32') yield new Uint8Array(numbers.buffer, 0, length * 4);
      else {
        cutWords(words, halves);
        yield new Uint8Array(halves.buffer, 0, length * byteSize(dtype));
      }
    }
  }
  return { name, dtype, shape, pieces };
}

/** Fills with numbers from centre − reach to centre + reach. @returns where the next call goes on */
function fillUniform(numbers: Float32Array, start: number, reach: number, centre: number): number {
  let state = start;
  const scale = reach / 2 ** 31;
  for (let i = 0; i < numbers.length; i++) {
    // Marsaglia's xorshift (2003).
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    numbers[i] = state * scale + centre;
  }
  return state;
}

/** Numbers in float32 as bfloat16, without rounding. */
function cutWords(words: Uint32Array, halves: Uint16Array): void {
  for (let i = 0; i < halves.length; i++) halves[i] = words[i]! >>> 16;
}

/** A tokenizer of bytes, with the special tokens in their places and unused ones in all others. */
function tokenizerFiles({ config, specialTokens, endOfText }: CheckpointShape): Record<string, JsonObject> {
  const size = config['vocab_size'] as number;
  const bytes = byteLetters();
  const vocabulary: Record<string, number> = {};
  const added: JsonObject[] = [];
  for (let id = 0, next = 0; id < size; id++) {
    const special = specialTokens[id];
    if (special !== undefined) {
      const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false };
      added.push({ id, content: special, special: true, ...plain });
    } else vocabulary[bytes[next++] ?? `<unused_${id}>`] = id;
  }
  return {
    'tokenizer.json': {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: added,
      normalizer: null,
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      post_processor: null,
      decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
      model: { type: 'BPE', dropout: null, unk_token: null, fuse_unk: false, vocab: vocabulary, merges: [] },
    },
    'tokenizer_config.json': {
      tokenizer_class: 'PreTrainedTokenizerFast',
      eos_token: endOfText,
      clean_up_tokenization_spaces: false,
    },
  };
}

/** The letters by which GPT-2's tokenizer writes the 256 bytes: printable ones are themselves, the others lie from U+0100 on. */
function byteLetters(): string[] {
  const isPrintable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : next++));
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  const [, , name, folder, dtype = 'bfloat16'] = argv;
  if (name === undefined || folder === undefined || (dtype !== 'bfloat16' && dtype !== 'float32')) {
    stdout.write(
      `make-checkpoint.js NAME FOLDER [bfloat16|float32], NAME one of ${Object.keys(CHECKPOINTS).join(', ')}\n`,
    );
  } else {
    const start = performance.now();
    await makeCheckpoint(name, folder, dtype);
    stdout.write(`${folder} in ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
  }
}
