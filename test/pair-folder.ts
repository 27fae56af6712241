import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { trainTokenizer } from '../src/data/tokenizer-trainer.ts';

const WORDS = 'a cat dog red apple house';

/** Makes a folder of a tiny random CLIP or SigLIP that can be asked. */
export async function writePairFolder(folder: string, kind: 'clip' | 'siglip'): Promise<string> {
  await cp(fileURLToPath(new URL(`parity/fixtures/encoders/${kind}`, import.meta.url)), folder, { recursive: true });
  const tokenizer = trainTokenizer([WORDS, WORDS], { vocabSize: 60 }).serialize();
  const size = kind === 'clip' ? { shortest_edge: 13 } : { height: 13, width: 13 };
  const pixels = { do_resize: true, size, resample: 3, do_rescale: true, do_normalize: true };
  const crop = kind === 'clip' ? { do_center_crop: true, crop_size: { height: 13, width: 13 } } : {};
  await writeFile(join(folder, 'tokenizer.json'), tokenizer);
  await writeFile(join(folder, 'preprocessor_config.json'), JSON.stringify({ ...pixels, ...crop }));
  return folder;
}
