/** Pictures for CLIP. */
import { CLIP_PIXELS, parsePictureConfig, type ProcessorFiles } from '../common/picture-config.ts';
import { PictureProcessor } from '../common/picture-processor.ts';

/** @throws CheckpointError when a file is missing or a key is wrong */
export function createClipProcessor(files: ProcessorFiles): PictureProcessor {
  return new PictureProcessor(
    parsePictureConfig(files, {
      size: { kind: 'shortest', side: 224 },
      square: false,
      crop: { height: 224, width: 224 },
      filter: 'bicubic',
      ...CLIP_PIXELS,
    }),
  );
}
