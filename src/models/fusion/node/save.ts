import { CheckpointError, type HostTensor } from '../../../core/index.ts';
import type { TextTokenizer } from '../../../data/index.ts';
import { writeModelFolder } from '../../../hub/node/model-folder.ts';
import { tensorSources } from '../../../hub/node/safetensors-file.ts';
import { fusionConfigToJson } from '../config.ts';
import { SimpleMultimodalModel, type FusionConfig, type FusionEncoders } from '../model.ts';
import { preprocessingToJson, type FusionPreprocessing } from '../processor.ts';

/** Property under which a training objective keeps the model; its name is left out of the keys. */
const NETWORK = 'network.';

/** A trained fusion model and all that is needed to use it. */
export interface TrainedFusionModel {
  readonly config: FusionConfig;
  /** Fresh ones of the same architectures, where the config calls encoders `pretrained`. */
  readonly encoders?: FusionEncoders;
  /** By the model's own paths, or with `network.` before them as an objective has them; others are left out. */
  readonly weights: Readonly<Record<string, HostTensor>>;
  readonly tokenizer: TextTokenizer;
  readonly preprocessing: FusionPreprocessing;
}

/** The weights of a fusion model alone, by its own paths. @throws CheckpointError when one is missing */
export function fusionWeights(
  config: FusionConfig,
  all: Readonly<Record<string, HostTensor>>,
  encoders: FusionEncoders = {},
): Record<string, HostTensor> {
  const weights: Record<string, HostTensor> = {};
  for (const path of new SimpleMultimodalModel(config, encoders).parameters().keys()) {
    const tensor = all[path] ?? all[NETWORK + path];
    if (tensor === undefined)
      throw new CheckpointError(`there are no values for the weight '${path}'`, 'are they of this model?');
    weights[path] = tensor;
  }
  return weights;
}

/**
 * Writes `config.json`, `model.safetensors`, `tokenizer.json` and `preprocessor_config.json` as a whole.
 * @throws CheckpointError when a weight is missing, or the folder cannot be written
 */
export async function saveFusionModel(
  path: string,
  { config, encoders, weights, tokenizer, preprocessing }: TrainedFusionModel,
  options: { overwrite?: boolean } = {},
): Promise<void> {
  await writeModelFolder(
    path,
    {
      config: fusionConfigToJson(config),
      tokenizer: tokenizer.json as Record<string, unknown>,
      preprocessor: preprocessingToJson(preprocessing),
    },
    tensorSources(Object.entries(fusionWeights(config, weights, encoders))),
    options,
  );
}
