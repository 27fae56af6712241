/** A model on disk: `config.json`, `model.safetensors`, and, where it has them, its tokenizer and preprocessor. */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from '../../core/index.ts';
import { writeFileAtomic } from '../../core/node/files.ts';
import { asCheckpointError } from './file-errors.ts';
import { writeFolder } from './fresh-folder.ts';
import { readJsonObject } from './json-file.ts';
import type { JsonObject } from './json-file.ts';
import { writeSafetensors } from './safetensors-file.ts';
import type { TensorSource } from './safetensors-file.ts';
import { Weights, WEIGHTS_FILE } from './weights.ts';

/** The JSON files of a model folder, by what they hold, and the most bytes that are read of each. */
const JSON_FILES = {
  config: ['config.json', 4 * 1024 * 1024],
  tokenizer: ['tokenizer.json', 64 * 1024 * 1024],
  tokenizerConfig: ['tokenizer_config.json', 16 * 1024 * 1024],
  preprocessor: ['preprocessor_config.json', 1024 * 1024],
  generation: ['generation_config.json', 1024 * 1024],
} as const;

/** What a model folder says besides its weights. Parsed as JSON only: check each part with `parseConfig`. */
export interface ModelFiles {
  readonly config: JsonObject;
  readonly tokenizer?: JsonObject;
  readonly tokenizerConfig?: JsonObject;
  readonly preprocessor?: JsonObject;
  readonly generation?: JsonObject;
}

/** An open model folder. Close its weights when done. */
export interface ModelFolder extends ModelFiles {
  readonly path: string;
  readonly weights: Weights;
}

/**
 * Opens a model folder; tensors are not read yet.
 * @throws CheckpointError when it is not there, `config.json` or the weights are absent, or a file is damaged
 */
export async function openModelFolder(path: string): Promise<ModelFolder> {
  const found = await stat(path).catch((error: unknown) => {
    throw asCheckpointError(error, path);
  });
  if (!found.isDirectory()) throw new CheckpointError(`${path} is not a folder`, 'name the folder of a trained model');
  const files: Partial<Record<keyof ModelFiles, JsonObject>> = {};
  for (const [key, [name, maxBytes]] of Object.entries(JSON_FILES)) {
    if (!existsSync(join(path, name))) continue;
    files[key as keyof ModelFiles] = await readJsonObject(join(path, name), maxBytes);
  }
  const { config, ...rest } = files;
  if (config === undefined) {
    throw new CheckpointError(`${path}: no ${JSON_FILES.config[0]}`, 'name the folder of a trained model');
  }
  return { path, config, ...rest, weights: await Weights.open(path) };
}

/**
 * Writes a model folder as a whole: a reader sees the model that was there before, or the new one, never a mixture.
 * @param options.overwrite replace a model that is there already
 * @throws CheckpointError when something is there that may not be replaced, or the disk is full
 */
export async function writeModelFolder(
  path: string,
  files: ModelFiles,
  tensors: readonly TensorSource[],
  options: { overwrite?: boolean; metadata?: Readonly<Record<string, string>> } = {},
): Promise<void> {
  const own = new Set<string>([WEIGHTS_FILE, ...Object.values(JSON_FILES).map(([name]) => name)]);
  await writeFolder(path, { overwrite: options.overwrite === true, isOwn: (name) => own.has(name) }, async (fresh) => {
    await writeSafetensors(join(fresh, WEIGHTS_FILE), tensors, { format: 'pt', ...options.metadata });
    for (const [key, [name]] of Object.entries(JSON_FILES)) {
      const json = files[key as keyof ModelFiles];
      if (json !== undefined) await writeFileAtomic(join(fresh, name), `${JSON.stringify(json, null, 2)}\n`);
    }
  });
}
