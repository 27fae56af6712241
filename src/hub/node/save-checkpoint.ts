/** Checkpoints of the Hugging Face ecosystem, written so that Transformers and `openCheckpoint` read them. */
import { copyFile, lstat, open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError, type WeightDType } from '../../core/index.ts';
import { writeFileAtomic } from '../../core/node/files.ts';
import { parseQuantization, partsOf } from '../quantize/index.ts';
import { CHECKPOINT_FILES, TEMPLATE_FILE } from './checkpoint.ts';
import { confined } from './confine.ts';
import { writeFolder } from './fresh-folder.ts';
import type { JsonObject } from './json-file.ts';
import type { TensorSource } from './safetensors-file.ts';
import { MAX_SHARD_BYTES, ShardWriter } from './shard-writer.ts';
import { convertStream, streamOf, type TensorStream } from './tensor-stream.ts';
import { INDEX_FILE, WEIGHTS_FILE } from './weights.ts';

/** Files that go with the weights: tokenizer, processors, chat template, licence. */
export const COMPANIONS: readonly string[] = [
  ...Object.values(CHECKPOINT_FILES)
    .map(([name]) => name)
    .filter((name) => name !== CHECKPOINT_FILES.config[0]),
  TEMPLATE_FILE,
  'added_tokens.json',
  'vocab.json',
  'vocab.txt',
  'merges.txt',
  'tokenizer.model',
  'spiece.model',
  'sentencepiece.bpe.model',
  'video_preprocessor_config.json',
  'LICENSE',
  'LICENSE.txt',
];
const MAX_COMPANION_BYTES = 256 * 1024 * 1024;
const SHARD = /^model-\d{5}-of-\d{5}\.safetensors$/;

/** What a checkpoint is made of. */
export interface CheckpointParts {
  /** config.json. */
  readonly config: JsonObject;
  /** Names as in the ecosystem: the paths of the parameters. */
  readonly tensors: readonly (TensorSource | TensorStream)[];
  /** A folder whose tokenizer, processor, chat template and further {@link COMPANIONS} are copied. */
  readonly companionsOf?: string;
  /** Further files, or other ones than those copied, by name: texts, or JSON. */
  readonly files?: Readonly<Record<string, JsonObject | string>>;
}

export interface SaveOptions {
  /** Floating-point tensors in another type. What is larger than a float16 can be becomes infinite. */
  readonly dtype?: WeightDType;
  /** Largest file of weights; 5 GB by default. */
  readonly maxShardBytes?: number;
  /** Replace a checkpoint that is there already. */
  readonly overwrite?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/**
 * Saves a checkpoint: a reader sees what was there before or all of the new one. Tensors are written piece by piece.
 * @throws CheckpointError when something else is in the folder, a checkpoint is and may not be replaced, or the disk is full
 */
export async function saveCheckpoint(folder: string, parts: CheckpointParts, options: SaveOptions = {}): Promise<void> {
  const { dtype, maxShardBytes = MAX_SHARD_BYTES, metadata = {}, signal } = options;
  const quantized = parseQuantization(parts.config, CHECKPOINT_FILES.config[0]);
  const fewBits = new Set([...quantized].flatMap(([name, matrix]) => partsOf(name, matrix).map((part) => part.name)));
  const streams = parts.tensors
    .map((tensor) => ('pieces' in tensor ? tensor : streamOf(tensor)))
    .map((stream) => (dtype === undefined || fewBits.has(stream.name) ? stream : convertStream(stream, dtype)));
  const config = dtype === undefined ? parts.config : withDType(parts.config, dtype);
  await writeCheckpointFolder(folder, { ...parts, config }, options.overwrite === true, async (fresh) => {
    const writer = await ShardWriter.create(fresh, streams, { maxShardBytes, metadata });
    try {
      for (const { name, pieces } of streams) {
        let start = 0;
        for await (const piece of pieces()) {
          signal?.throwIfAborted();
          await writer.write(name, start, piece);
          start += piece.length;
        }
      }
      await writer.finish();
    } finally {
      await writer.close();
    }
  });
}

/** Everything but the weights, which `writeWeights` puts into the hidden folder. */
export async function writeCheckpointFolder(
  folder: string,
  { config, companionsOf, files = {} }: Omit<CheckpointParts, 'tensors'>,
  overwrite: boolean,
  writeWeights: (fresh: string) => Promise<void>,
): Promise<void> {
  const texts = { ...files, [CHECKPOINT_FILES.config[0]]: config };
  for (const name of Object.keys(texts))
    if (!/^[\w][\w.-]*$/.test(name) || name.length > 200 || name.endsWith('.safetensors') || name === INDEX_FILE)
      throw new CheckpointError(`'${name.slice(0, 200)}' cannot be the name of a file beside the weights`);
  const isOwn = (name: string): boolean =>
    name === WEIGHTS_FILE || name === INDEX_FILE || SHARD.test(name) || name in texts || COMPANIONS.includes(name);
  await writeFolder(folder, { overwrite, isOwn }, async (fresh) => {
    await writeWeights(fresh);
    if (companionsOf !== undefined) {
      const from = await realpath(companionsOf);
      for (const name of COMPANIONS) if (!(name in texts)) await copyCompanion(from, fresh, name);
    }
    for (const [name, contents] of Object.entries(texts)) {
      const text = typeof contents === 'string' ? contents : `${JSON.stringify(contents, null, 2)}\n`;
      await writeFileAtomic(join(fresh, name), text);
    }
  });
}

/** @param from real path of the folder */
async function copyCompanion(from: string, to: string, name: string): Promise<void> {
  const there = await lstat(join(from, name)).catch(() => undefined);
  if (there === undefined) return;
  const path = await confined(from, join(from, name));
  const found = await lstat(path);
  if (!found.isFile() || found.size > MAX_COMPANION_BYTES)
    throw new CheckpointError(
      `${path} is not a file of at most ${MAX_COMPANION_BYTES} bytes`,
      'is this the right file?',
    );
  await copyFile(path, join(to, name));
  const copy = await open(join(to, name), 'r+');
  try {
    await copy.sync();
  } finally {
    await copy.close();
  }
}

/** The keys by which readers choose the type, in parts of a multimodal config too. */
function withDType(config: JsonObject, dtype: WeightDType): JsonObject {
  const changed = Object.entries(config).map(([key, value]) => {
    if (key === 'torch_dtype' || key === 'dtype') return [key, dtype];
    const isPart = key.endsWith('_config') && typeof value === 'object' && value !== null && !Array.isArray(value);
    return [key, isPart ? partWithDType(value as JsonObject, dtype) : value];
  });
  const named = Object.fromEntries(changed) as JsonObject;
  return 'torch_dtype' in named || 'dtype' in named ? named : { ...named, dtype };
}

function partWithDType(part: JsonObject, dtype: WeightDType): JsonObject {
  const { torch_dtype: old, dtype: now, ...rest } = part;
  return {
    ...rest,
    ...(old === undefined ? {} : { torch_dtype: dtype }),
    ...(now === undefined ? {} : { dtype }),
  };
}
