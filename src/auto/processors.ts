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
  createSensoriumVLProcessor,
  createSiglipProcessor,
  createViTProcessor,
  fixedSize,
  type ImageTextProcessor,
  parseClipConfig,
  parseIdefics3Config,
  parseLlavaConfig,
  parseLlavaOnevisionConfig,
  parseQwen25VLConfig,
  parseSensoriumVLConfig,
  parseSiglipConfig,
  parseViTConfig,
  type PictureProcessor,
  type ProcessorFiles,
} from '../models/index.ts';
import type { CheckpointTokenizer } from '../data/index.ts';

type CreateProcessor = (files: ProcessorFiles, tokenizer: CheckpointTokenizer, json: unknown) => ImageTextProcessor;

const idefics3: CreateProcessor = (files, tokenizer, json) =>
  createIdefics3Processor(files, tokenizer, parseIdefics3Config(json));

/** Processors of models that read pictures and text together, by `model_type` of config.json. */
const PROCESSORS: Readonly<Record<string, CreateProcessor>> = {
  blip: createBlipProcessor,
  idefics3,
  smolvlm: idefics3,
  llava: (files, tokenizer, json) => createLlavaProcessor(files, tokenizer, parseLlavaConfig(json)),
  llava_onevision: (files, tokenizer, json) =>
    createLlavaOnevisionProcessor(files, tokenizer, parseLlavaOnevisionConfig(json)),
  sensorium_vl: (files, tokenizer, json) => createSensoriumVLProcessor(files, tokenizer, parseSensoriumVLConfig(json)),
  qwen2_5_vl: (files, tokenizer, json) => createQwen25VLProcessor(files, tokenizer, parseQwen25VLConfig(json)),
};

/** A processor of pictures alone, and height and width in pixels of what its model takes. */
interface PictureEntry {
  readonly create: (files: ProcessorFiles) => PictureProcessor;
  readonly sides: (json: unknown) => readonly [height: number, width: number];
}

const square = (side: number): readonly [number, number] => [side, side];

/** Processors of models that read pictures by themselves. */
const PICTURE_PROCESSORS: Readonly<Record<string, PictureEntry>> = {
  vit: { create: createViTProcessor, sides: (json) => parseViTConfig(json).imageSize },
  clip: { create: createClipProcessor, sides: (json) => square(parseClipConfig(json).vision.imageSize) },
  siglip: { create: createSiglipProcessor, sides: (json) => square(parseSiglipConfig(json).vision.imageSize) },
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
  const { create, sides } = find(PICTURE_PROCESSORS, config);
  const processor = create(files);
  const [height, width] = fixedSize(processor.config);
  const [high, wide] = sides(config);
  if (height === high && width === wide) return processor;
  throw new CheckpointError(
    `the processor gives pictures of ${width} × ${height}, but the model takes ${wide} × ${high}`,
    'processor and model are of different checkpoints: fetch it again, or correct preprocessor_config.json',
  );
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
