/** Pictures for SigLIP, and SigLIP 2 of fixed resolution. */
import { CENTERED_PIXELS, parsePictureConfig, type ProcessorFiles } from '../common/picture-config.ts';
import { PictureProcessor } from '../common/picture-processor.ts';

/** @throws CheckpointError when a file is missing or a key is wrong */
export function createSiglipProcessor(files: ProcessorFiles): PictureProcessor {
  return new PictureProcessor(
    parsePictureConfig(files, {
      size: { kind: 'exact', height: 224, width: 224 },
      square: false,
      filter: 'bicubic',
      ...CENTERED_PIXELS,
    }),
  );
}
