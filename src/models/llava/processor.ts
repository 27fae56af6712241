/** Pictures and text for LLaVA 1.5: each picture is one square of features (Liu et al. 2023, arXiv:2310.03744). */
// H and W height and width of what the encoder sees, F rows of features
import { z } from 'zod';
import { CheckpointError } from '../../core/index.ts';
import type { CheckpointTokenizer, Colour, Picture } from '../../data/index.ts';
import { parseConfig } from '../../hub/index.ts';
import type { ImageTextProcessor, PreparedPicture, PreparedPrompt } from '../common/generating.ts';
import {
  checkPerPicture,
  encodeWithImages,
  findImageToken,
  type ImageToken,
  replaceMarkers,
} from '../common/image-tokens.ts';
import {
  CLIP_PIXELS,
  parsePictureConfig,
  parseProcessorKeys,
  type PictureConfig,
  pictureJson,
  type ProcessorFiles,
} from '../common/picture-config.ts';
import { meanColour, padToMiddle, PictureProcessor } from '../common/picture-processor.ts';

/** What a {@link LlavaProcessor} is built from. */
export interface LlavaProcessorConfig extends PictureConfig {
  /** Whether pictures are padded to a square first, with the mean colour. */
  readonly pads: boolean;
  /** Side of the encoder's patches in pixels. */
  readonly patchSize: number;
  /** Tokens of the encoder besides those of patches: 1 for a class token. */
  readonly additionalTokens: number;
  /** Whether the first token is dropped (`default`) or not (`full`). */
  readonly dropsFirst: boolean;
  readonly imageToken: string;
}

const strategy = z.enum(['default', 'full']);
const patch = z.int().min(1).max(1024);
const pictureSchema = z.looseObject({
  image_processor_type: z.string().nullish(),
  do_pad: z.boolean().nullish(),
});
const processorSchema = z.looseObject({
  patch_size: patch.nullish(),
  vision_feature_select_strategy: strategy.nullish(),
  num_additional_image_tokens: z.int().min(0).max(1000).nullish(),
  image_token: z.string().min(1).max(1000).nullish(),
});
const modelSchema = z.looseObject({
  image_token_index: z.int().nullish(),
  image_token_id: z.int().nullish(),
  vision_feature_select_strategy: strategy.nullish(),
  vision_config: z
    .looseObject({
      model_type: z.string().nullish(),
      patch_size: patch.nullish(),
      image_size: z.int().min(1).nullish(),
    })
    .nullish(),
});

/**
 * @param model contents of config.json, which older checkpoints need: their processor files do not tell of patches
 * @throws CheckpointError when a file is missing or a key is wrong
 */
export function parseLlavaProcessor(files: ProcessorFiles, model?: unknown): LlavaProcessorConfig {
  const config = parsePictureConfig(files, {
    size: { kind: 'shortest', side: 224 },
    square: false,
    crop: { height: 224, width: 224 },
    filter: 'bicubic',
    ...CLIP_PIXELS,
  });
  const { json, file } = pictureJson(files);
  const picture = parseConfig(pictureSchema, json, file);
  const keys = parseProcessorKeys(processorSchema, files);
  const { vision_config: vision, ...rest } = parseConfig(modelSchema, model ?? {}, 'config.json');
  const patchSize = keys.patch_size ?? vision?.patch_size ?? undefined;
  if (patchSize === undefined)
    throw new CheckpointError('processor_config.json: no patch_size', 'fetch the checkpoint again with all its files');
  const told = keys.patch_size !== undefined && keys.patch_size !== null;
  return {
    ...config,
    // Files of LLaVA name CLIP's processor, which does not know this key.
    pads: picture.do_pad === true && (picture.image_processor_type ?? '').startsWith('LlavaImageProcessor'),
    patchSize,
    additionalTokens: keys.num_additional_image_tokens ?? (told ? 0 : classTokens(vision?.model_type ?? undefined)),
    dropsFirst: (keys.vision_feature_select_strategy ?? rest.vision_feature_select_strategy ?? 'default') === 'default',
    imageToken: keys.image_token ?? '<image>',
  };
}

/**
 * @param model contents of config.json, to see that both belong together
 * @throws CheckpointError when files are wrong, or the model makes another number of features of a picture
 */
export function createLlavaProcessor(
  files: ProcessorFiles,
  tokenizer: CheckpointTokenizer,
  model?: unknown,
): LlavaProcessor {
  const config = parseLlavaProcessor(files, model);
  const { vision_config: vision, ...keys } = parseConfig(modelSchema, model ?? {}, 'config.json');
  const token = findImageToken(
    tokenizer,
    config.imageToken,
    keys.image_token_index ?? keys.image_token_id ?? undefined,
  );
  const processor = new LlavaProcessor(config, tokenizer, token);
  const { crop } = config;
  if (model !== undefined && crop !== undefined) {
    const patches =
      Math.floor(crop.height / (vision?.patch_size ?? 14)) * Math.floor(crop.width / (vision?.patch_size ?? 14));
    const first = (keys.vision_feature_select_strategy ?? 'default') === 'default' ? 1 : 0;
    const features = patches + classTokens(vision?.model_type ?? undefined) - first;
    checkPerPicture(`a picture of ${crop.width} × ${crop.height}`, processor.features(crop), features);
  }
  return processor;
}

/** Tokens that a vision encoder puts in front of its patches. */
function classTokens(type = 'clip_vision_model'): number {
  return type.startsWith('siglip') ? 0 : 1;
}

export class LlavaProcessor implements ImageTextProcessor {
  readonly config: LlavaProcessorConfig;
  readonly #tokenizer: CheckpointTokenizer;
  readonly #token: ImageToken;
  readonly #pictures: PictureProcessor;
  readonly #background: Colour;

  constructor(config: LlavaProcessorConfig, tokenizer: CheckpointTokenizer, token: ImageToken) {
    this.config = config;
    this.#tokenizer = tokenizer;
    this.#token = token;
    this.#pictures = new PictureProcessor(config);
    this.#background = meanColour(config.mean);
  }

  /** @returns of each picture `pixel_values` [1, 3, H, W] */
  prepare(text: string, pictures: readonly Picture[]): PreparedPrompt {
    const prepared = pictures.map((picture): PreparedPicture => {
      const { height, width } = picture;
      const fitted = this.#pictures.fit(this.config.pads ? padToMiddle(picture, this.#background) : picture);
      return {
        inputs: { pixel_values: this.#pictures.pixels.batch([fitted]) },
        features: this.features(fitted),
        imageSize: [height, width],
      };
    });
    const { text: marker } = this.#token;
    const marked = replaceMarkers(
      text,
      marker,
      prepared.map(() => marker),
    );
    const repeats = prepared.map(({ features }) => features);
    return { tokens: encodeWithImages(this.#tokenizer, marked, this.#token, repeats), pictures: prepared };
  }

  /** F of a picture of the size that the encoder sees. */
  features({ height, width }: { readonly height: number; readonly width: number }): number {
    const { patchSize, additionalTokens, dropsFirst } = this.config;
    return Math.floor(height / patchSize) * Math.floor(width / patchSize) + additionalTokens - (dropsFirst ? 1 : 0);
  }
}
