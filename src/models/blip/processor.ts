/** Pictures and text for BLIP (Li et al. 2022, arXiv:2201.12086). */
// H and W height and width of what the encoder sees
import { DataError } from '../../core/index.ts';
import type { CheckpointTokenizer, Picture } from '../../data/index.ts';
import type { ImageTextProcessor, PreparedPrompt } from '../common/generating.ts';
import { CLIP_PIXELS, parsePictureConfig, type PictureConfig, type ProcessorFiles } from '../common/picture-config.ts';
import { PictureProcessor } from '../common/picture-processor.ts';
import type { FeatureRegions } from '../common/regions.ts';

/** @throws CheckpointError when a file is missing or a key is wrong */
export function createBlipProcessor(files: ProcessorFiles, tokenizer: CheckpointTokenizer): BlipProcessor {
  const config = parsePictureConfig(files, {
    size: { kind: 'exact', height: 384, width: 384 },
    square: true,
    filter: 'bicubic',
    ...CLIP_PIXELS,
  });
  return new BlipProcessor(config, tokenizer);
}

/** One picture and a text. The model attends to the picture beside the text, so that no token stands for it. */
export class BlipProcessor extends PictureProcessor implements ImageTextProcessor {
  readonly #tokenizer: CheckpointTokenizer;

  constructor(config: PictureConfig, tokenizer: CheckpointTokenizer) {
    super(config);
    this.#tokenizer = tokenizer;
  }

  /** No token stands for a picture. */
  regions(pictures: readonly Picture[]): readonly FeatureRegions[] {
    return pictures.map(() => []);
  }

  /**
   * @param text a question, the start of a caption or nothing  @returns of the picture `pixel_values` [1, 3, H, W]
   * @throws DataError when there is not exactly one picture
   */
  prepare(text: string, pictures: readonly Picture[]): PreparedPrompt {
    const [picture] = pictures;
    if (picture === undefined || pictures.length > 1)
      throw new DataError(`BLIP looks at one picture, not ${pictures.length}`, 'ask about each picture by itself');
    const { height, width } = picture;
    return {
      tokens: this.#tokenizer.encode(text),
      pictures: [{ inputs: { pixel_values: this.batch([picture]) }, features: 0, imageSize: [height, width] }],
    };
  }
}
