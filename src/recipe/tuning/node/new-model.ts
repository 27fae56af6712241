/** The folder of a model with first weights, so that every stage of training begins with a folder. */
import { Random } from '../../../core/index.ts';
import { createModel, readingModel } from '../../../auto/index.ts';
import {
  CheckpointTokenizer,
  CONVERSATION_TOKENS,
  locationTokens,
  tokenizerConfig,
  trainByteLevelBpe,
} from '../../../data/index.ts';
import { type JsonObject, saveCheckpoint, tensorSources } from '../../../hub/node/index.ts';
import { LOCATIONS } from '../../../models/index.ts';
import type { NewModelSection } from '../types.ts';

/**
 * Makes a tokenizer of the texts and a model of the config, with weights drawn from the seed.
 * @param texts what the data can say
 * @throws CheckpointError when the config is wrong or the folder cannot be written, DataError for a vocabulary that is too small
 */
export async function createModelFolder(
  folder: string,
  { config, vocabulary }: NewModelSection,
  texts: Iterable<string>,
  seed: number,
): Promise<void> {
  const tokenizer = trainByteLevelBpe(texts, {
    vocabSize: vocabulary,
    specialTokens: CONVERSATION_TOKENS,
    addedTokens: locationTokens(LOCATIONS),
    trimStart: true,
  });
  const settings = tokenizerConfig();
  const made = new CheckpointTokenizer({ tokenizer, tokenizerConfig: settings }, folder);
  const idOf = (token: string): number => made.id(token)!;
  const textConfig = isObject(config['text_config']) ? config['text_config'] : {};
  const [end, pad] = [idOf('<|end|>'), idOf('<|pad|>')];
  const complete = {
    ...config,
    image_token_id: idOf('<image>'),
    eos_token_id: end,
    pad_token_id: pad,
    text_config: { ...textConfig, vocab_size: made.vocabularySize },
  };
  const { model } = readingModel(createModel(complete, 'model.create.config'), 'model.create.config');
  const weights = model.initialize(new Random(seed));
  await saveCheckpoint(
    folder,
    {
      config: complete as JsonObject,
      tensors: tensorSources(Object.entries(weights)),
      files: {
        'tokenizer.json': tokenizer as unknown as JsonObject,
        'tokenizer_config.json': settings as JsonObject,
        'generation_config.json': { eos_token_id: end, pad_token_id: pad },
        'preprocessor_config.json': {
          do_resize: true,
          size: pictureSize(config),
          resample: 2,
          do_rescale: true,
          rescale_factor: 1 / 255,
          do_normalize: true,
          image_mean: [0.5, 0.5, 0.5],
          image_std: [0.5, 0.5, 0.5],
        },
      },
    },
    { overwrite: true },
  );
}

function pictureSize(config: Readonly<Record<string, unknown>>): { height: number; width: number } {
  const vision = config['vision_config'];
  const side = isObject(vision) && typeof vision['image_size'] === 'number' ? vision['image_size'] : 224;
  return { height: side, width: side };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
