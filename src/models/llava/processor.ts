/** Pictures and text for LLaVA 1.5: each picture is one square of features (Liu et al. 2023, arXiv:2310.03744). */
// H and W height and width of what the encoder sees, F rows of features
import { z } from 'zod';
import { CheckpointError } from '../../core/index.ts';
import type { CheckpointTokenizer, Colour, Picture } from '../../data/index.ts';
import { parseConfig } from '../../hub/index.ts';
import type { ImageTextProcessor, PreparedPicture, PreparedPrompt } from '../common/generating.ts';
import { checkTiles, encodePictures, findImageToken, type ImageToken } from '../common/image-tokens.ts';
import { featuresPerTile, type LlavaPartsConfig } from '../common/llava-config.ts';
import {
  CLIP_PIXELS,
  parsePictureConfig,
  parseProcessorKeys,
  type PictureConfig,
  pictureJson,
  type ProcessorFiles,
} from '../common/picture-config.ts';
import { fixedSize, meanColour, padToMiddle, PictureProcessor } from '../common/picture-processor.ts';
import { cellsOf, type FeatureRegions, squareAround, withinArea } from '../common/regions.ts';

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
/**
 * @param model of which older checkpoints need to know: their processor files do not tell of patches
 * @throws CheckpointError when a file is missing or a key is wrong
 */
export function parseLlavaProcessor(files: ProcessorFiles, model?: LlavaPartsConfig): LlavaProcessorConfig {
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
  const told = keys.patch_size !== undefined && keys.patch_size !== null;
  const patchSize = keys.patch_size ?? model?.vision.patchSize;
  if (patchSize === undefined)
    throw new CheckpointError('processor_config.json: no patch_size', 'fetch the checkpoint again with all its files');
  return {
    ...config,
    // Files of LLaVA 1.5 name CLIP's processor, which does not know this key.
    pads: picture.do_pad === true && (picture.image_processor_type ?? '').startsWith('LlavaImageProcessor'),
    patchSize,
    additionalTokens: keys.num_additional_image_tokens ?? (!told && model?.vision.kind === 'clip' ? 1 : 0),
    dropsFirst: told || model === undefined ? keys.vision_feature_select_strategy === 'default' : !model.keepFirst,
    imageToken: keys.image_token ?? '<image>',
  };
}

/**
 * @param model to see that both belong together
 * @throws CheckpointError when files are wrong, or the model makes another number of features of a picture
 */
export function createLlavaProcessor(
  files: ProcessorFiles,
  tokenizer: CheckpointTokenizer,
  model?: LlavaPartsConfig,
): LlavaProcessor {
  const config = parseLlavaProcessor(files, model);
  const token = findImageToken(tokenizer, config.imageToken, model?.imageToken);
  const processor = new LlavaProcessor(config, tokenizer, token);
  if (model !== undefined) {
    const [height, width] = fixedSize(config);
    const features = featuresPerTile(model);
    checkTiles({
      tokens: processor.features({ height, width }),
      features,
      side: height,
      modelSide: model.vision.imageSize,
    });
  }
  return processor;
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
    const repeats = prepared.map(({ features }) => features);
    return { tokens: encodePictures(this.#tokenizer, text, this.#token, repeats), pictures: prepared };
  }

  regions(pictures: readonly Picture[]): readonly FeatureRegions[] {
    const { pads, patchSize, additionalTokens, dropsFirst } = this.config;
    const first = additionalTokens - (dropsFirst ? 1 : 0);
    return pictures.map((picture) => {
      const side = Math.max(picture.width, picture.height);
      const given = pads ? { width: side, height: side } : picture;
      const frame = this.#pictures.frame(given);
      const [height, width] = fixedSize(this.config);
      const [rows, columns] = [Math.floor(height / patchSize), Math.floor(width / patchSize)];
      // Pixels beyond the last whole patch are not looked at.
      const seen = withinArea(frame, [0, 0, (columns * patchSize) / width, (rows * patchSize) / height]);
      const cells = cellsOf(rows, columns, pads ? withinArea(squareAround(picture), seen) : seen);
      return first < 0 ? cells.slice(-first) : [...Array.from({ length: first }, () => undefined), ...cells];
    });
  }

  /** F of a picture of the size that the encoder sees. */
  features({ height, width }: { readonly height: number; readonly width: number }): number {
    const { patchSize, additionalTokens, dropsFirst } = this.config;
    return Math.floor(height / patchSize) * Math.floor(width / patchSize) + additionalTokens - (dropsFirst ? 1 : 0);
  }
}
