/** Pictures and text for {@link SensoriumVL}: a picture is padded to a square and becomes one fixed number of tokens. */
// H and W height and width of what the encoder sees
import type { CheckpointTokenizer, Colour, Picture } from '../../data/index.ts';
import type { ImageTextProcessor, PreparedPicture, PreparedPrompt } from '../common/generating.ts';
import type { Grounding } from '../common/grounding.ts';
import { checkTiles, encodePictures, findImageToken, type ImageToken } from '../common/image-tokens.ts';
import {
  CENTERED_PIXELS,
  parsePictureConfig,
  type PictureConfig,
  type ProcessorFiles,
} from '../common/picture-config.ts';
import { fixedSize, padToMiddle, PictureProcessor } from '../common/picture-processor.ts';
import { cellsOf, type FeatureRegions, squareAround } from '../common/regions.ts';
import { type SensoriumVLConfig, stemPatches } from './config.ts';
import { paddedFrame, readBoxes, writeBox } from './locations.ts';

const WHITE: Colour = [255, 255, 255];
const IMAGE = '<image>';

/**
 * @param model to see that both belong together
 * @throws CheckpointError when files are wrong, or the model takes pictures of another size
 */
export function createSensoriumVLProcessor(
  files: ProcessorFiles,
  tokenizer: CheckpointTokenizer,
  model: SensoriumVLConfig,
): SensoriumVLProcessor {
  const { imageSize } = model.vision;
  const config = parsePictureConfig(files, {
    size: { kind: 'exact', height: imageSize, width: imageSize },
    square: true,
    filter: 'bilinear',
    ...CENTERED_PIXELS,
  });
  const features = (stemPatches(model.vision) / model.scale) ** 2;
  const [height] = fixedSize(config);
  checkTiles({ tokens: features, features, side: height, modelSide: imageSize });
  return new SensoriumVLProcessor(config, tokenizer, findImageToken(tokenizer, IMAGE, model.imageToken), features);
}

export class SensoriumVLProcessor implements ImageTextProcessor {
  readonly config: PictureConfig;
  readonly grounding: Grounding = {
    // As emoji scenes ask, in the language of the phrase.
    question: (phrase) =>
      /\p{Script=Han}/u.test(phrase) ? `用方框框出${phrase.trim()}。` : `Draw a box around ${phrase.trim()}.`,
    read: (answer, picture) => readBoxes(answer, picture),
    write: (box, picture) => writeBox(box, paddedFrame(picture)),
  };
  readonly #tokenizer: CheckpointTokenizer;
  readonly #token: ImageToken;
  readonly #features: number;
  readonly #pictures: PictureProcessor;
  /** What was made of a picture; several questions may be asked about one. */
  readonly #prepared = new WeakMap<Picture, PreparedPicture>();

  constructor(config: PictureConfig, tokenizer: CheckpointTokenizer, token: ImageToken, features: number) {
    this.config = config;
    this.#tokenizer = tokenizer;
    this.#token = token;
    this.#features = features;
    this.#pictures = new PictureProcessor(config);
  }

  /** @returns of each picture `pixel_values` [1, 3, H, W] */
  prepare(text: string, pictures: readonly Picture[]): PreparedPrompt {
    const repeats = pictures.map(() => this.#features);
    return {
      tokens: encodePictures(this.#tokenizer, text, this.#token, repeats),
      pictures: pictures.map((picture) => this.#prepare(picture)),
    };
  }

  regions(pictures: readonly Picture[]): readonly FeatureRegions[] {
    const side = Math.sqrt(this.#features);
    return pictures.map((picture) => cellsOf(side, side, squareAround(picture)));
  }

  #prepare(picture: Picture): PreparedPicture {
    const known = this.#prepared.get(picture);
    if (known !== undefined) return known;
    const { height, width } = picture;
    const prepared: PreparedPicture = {
      inputs: { pixel_values: this.#pictures.batch([height === width ? picture : padToMiddle(picture, WHITE)]) },
      features: this.#features,
      imageSize: [height, width],
    };
    this.#prepared.set(picture, prepared);
    return prepared;
  }
}
