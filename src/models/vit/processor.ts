/** Pictures for ViT. */
import { CENTERED_PIXELS, parsePictureConfig, type ProcessorFiles } from '../common/picture-config.ts';
import { PictureProcessor } from '../common/picture-processor.ts';

/** @throws CheckpointError when a file is missing or a key is wrong */
export function createViTProcessor(files: ProcessorFiles): PictureProcessor {
  return new PictureProcessor(
    parsePictureConfig(files, {
      size: { kind: 'exact', height: 224, width: 224 },
      square: true,
      filter: 'bilinear',
      ...CENTERED_PIXELS,
    }),
  );
}
