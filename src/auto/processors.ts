import { z } from 'zod';
import { CheckpointError } from '../core/index.ts';
import { parseConfig } from '../hub/index.ts';
import {
  createBlipProcessor,
  createClipProcessor,
  createIdefics3Processor,
  createLlavaOnevisionProcessor,
  createLlavaProcessor,
  createQwen25VLProcessor,
  createSiglipProcessor,
  createViTProcessor,
  type ImageTextProcessor,
  type PictureProcessor,
  type ProcessorFiles,
} from '../models/index.ts';
import type { CheckpointTokenizer } from '../data/index.ts';

type CreateProcessor = (files: ProcessorFiles, tokenizer: CheckpointTokenizer, model?: unknown) => ImageTextProcessor;

/** Processors of models that read pictures and text together, by `model_type` of config.json. */
const PROCESSORS: Readonly<Record<string, CreateProcessor>> = {
  blip: createBlipProcessor,
  idefics3: createIdefics3Processor,
  smolvlm: createIdefics3Processor,
  llava: createLlavaProcessor,
  llava_onevision: createLlavaOnevisionProcessor,
  qwen2_5_vl: createQwen25VLProcessor,
};

/** Processors of models that read pictures by themselves. */
const PICTURE_PROCESSORS: Readonly<Record<string, (files: ProcessorFiles) => PictureProcessor>> = {
  vit: createViTProcessor,
  clip: createClipProcessor,
  clip_vision_model: createClipProcessor,
  siglip: createSiglipProcessor,
  siglip_vision_model: createSiglipProcessor,
};

const typeSchema = z.looseObject({ model_type: z.string().max(200) });

/**
 * Turns text with pictures into what a model reads.
 * @param config contents of config.json  @param files contents of the files that tell of processing
 * @throws CheckpointError when the architecture is not known, a file is wrong, or processor and model do not fit together
 */
export function createProcessor(
  config: unknown,
  files: ProcessorFiles,
  tokenizer: CheckpointTokenizer,
): ImageTextProcessor {
  return find(PROCESSORS, config)(files, tokenizer, config);
}

/** As {@link createProcessor}, for pictures alone. */
export function createPictureProcessor(config: unknown, files: ProcessorFiles): PictureProcessor {
  return find(PICTURE_PROCESSORS, config)(files);
}

function find<T>(known: Readonly<Record<string, T>>, config: unknown): T {
  const { model_type: type } = parseConfig(typeSchema, config, 'config.json');
  const found = Object.hasOwn(known, type) ? known[type] : undefined;
  if (found !== undefined) return found;
  throw new CheckpointError(
    `config.json: no processor is known for model_type '${type}'`,
    `known ones are ${Object.keys(known).join(', ')}`,
  );
}
