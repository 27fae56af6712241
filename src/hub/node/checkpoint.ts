/** A checkpoint of the Hugging Face ecosystem on disk, to be read in place. */
import { lstat, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from '../../core/index.ts';
import { type GenerationConfig, parseGenerationConfig } from '../generation-config.ts';
import { parseQuantization } from '../quantize/index.ts';
import { confined } from './confine.ts';
import { asCheckpointError } from './file-errors.ts';
import { type JsonObject, readJsonObject, readTextFile } from './json-file.ts';
import { type LocatedWeights, locateTensors } from './locate.ts';
import { Weights } from './weights.ts';

const MIB = 1024 * 1024;

/** The JSON files of a checkpoint besides its weights, and the most bytes that are read of each. */
export const CHECKPOINT_FILES: Readonly<
  Record<Exclude<keyof CheckpointFiles, 'chatTemplate'>, readonly [name: string, maxBytes: number]>
> = {
  config: ['config.json', 4 * MIB],
  generation: ['generation_config.json', MIB],
  tokenizer: ['tokenizer.json', 64 * MIB],
  tokenizerConfig: ['tokenizer_config.json', 16 * MIB],
  specialTokens: ['special_tokens_map.json', MIB],
  chatTemplateJson: ['chat_template.json', 4 * MIB],
  preprocessor: ['preprocessor_config.json', MIB],
  processor: ['processor_config.json', 4 * MIB],
};

export const TEMPLATE_FILE = 'chat_template.jinja';
const MAX_TEMPLATE_BYTES = 4 * MIB;

/** Files of a checkpoint, parsed as JSON only: check each with `parseConfig`. */
export interface CheckpointFiles {
  readonly config: JsonObject;
  readonly generation?: JsonObject;
  readonly tokenizer?: JsonObject;
  readonly tokenizerConfig?: JsonObject;
  readonly specialTokens?: JsonObject;
  readonly chatTemplateJson?: JsonObject;
  readonly preprocessor?: JsonObject;
  readonly processor?: JsonObject;
  /** Text of `chat_template.jinja`. */
  readonly chatTemplate?: string;
}

/** An open checkpoint. Close its weights when done. */
export interface Checkpoint {
  /** Real path. */
  readonly folder: string;
  readonly config: JsonObject;
  readonly files: CheckpointFiles;
  /** What `generation_config.json` says; undefined where there is none. */
  readonly generationConfig: GenerationConfig | undefined;
  readonly weights: Weights;
  /** Every tensor's place, by its name, as external data of an ONNX graph takes it. */
  readonly tensors: LocatedWeights;
}

/**
 * Opens a folder with `config.json` and `model.safetensors` (or shards with an index). No tensor is read.
 * @throws CheckpointError when a file is absent, damaged or a link that leads out of the folder (the links of the
 *   Hub's cache are followed)
 */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  const folder = await realpath(path).catch((error: unknown) => {
    throw asCheckpointError(error, path);
  });
  if (!(await stat(folder)).isDirectory())
    throw new CheckpointError(`${path} is not a folder`, 'name the folder of a checkpoint');
  const files = await readFiles(folder);
  const generationConfig =
    files.generation && parseGenerationConfig(files.generation, join(folder, CHECKPOINT_FILES.generation[0]));
  const quantized = parseQuantization(files.config, join(folder, CHECKPOINT_FILES.config[0]));
  const weights = await Weights.open(folder, (file) => confined(folder, file), quantized);
  try {
    return { folder, config: files.config, files, generationConfig, weights, tensors: locateTensors(weights) };
  } catch (error) {
    await weights.close();
    throw error;
  }
}

async function readFiles(folder: string): Promise<CheckpointFiles> {
  const files: Partial<Record<keyof typeof CHECKPOINT_FILES, JsonObject>> = {};
  for (const [key, [name, maxBytes]] of Object.entries(CHECKPOINT_FILES)) {
    const file = join(folder, name);
    if (!(await isThere(file))) continue;
    files[key as keyof typeof files] = await readJsonObject(await confined(folder, file), maxBytes);
  }
  const { config, ...rest } = files;
  if (config === undefined) throw new CheckpointError(`${folder}: no config.json`, 'name the folder of a checkpoint');
  const template = join(folder, TEMPLATE_FILE);
  if (!(await isThere(template))) return { config, ...rest };
  return { config, ...rest, chatTemplate: await readTextFile(await confined(folder, template), MAX_TEMPLATE_BYTES) };
}

/** Whether something of that name is there, a link that leads nowhere included: that is damage, not absence. */
async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
