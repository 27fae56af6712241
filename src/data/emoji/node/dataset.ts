import type { ReportProgress } from '../../dataset.ts';
import { EmojiDataset, emojiTexts, type EmojiMaterial, type EmojiOptions } from '../dataset.ts';
import { buildSprites } from '../sprites.ts';
import { trainTokenizer } from '../../tokenizer-trainer.ts';
import type { TextTokenizer } from '../../tokenizer.ts';
import { loadConcepts } from './packages.ts';
import { renderSet } from './render.ts';

/** URL for {@link DatasetDescription.module}. */
export const EMOJI_MODULE: string = import.meta.url;

/**
 * Renders the drawings, or reads them from the cache, into memory that workers share. @throws DataError
 * @public
 */
export async function prepare(
  options: Pick<EmojiOptions, 'sets' | 'renderSize' | 'cacheFolder'>,
  report?: ReportProgress,
): Promise<EmojiMaterial> {
  const concepts = await loadConcepts();
  const size = options.renderSize ?? 64;
  const sprites = [];
  for (const set of options.sets) {
    const pixels = await renderSet({
      set,
      concepts,
      size,
      ...(options.cacheFolder === undefined ? {} : { cacheFolder: options.cacheFolder }),
      ...(report === undefined ? {} : { report }),
    });
    sprites.push(buildSprites(set, size, concepts.length, pixels));
  }
  return { concepts, sprites };
}

/**
 * Called in each worker.
 * @public
 */
export function create(options: EmojiOptions, material: EmojiMaterial): EmojiDataset {
  return new EmojiDataset(options, material);
}

/** A tokenizer for everything that the statements can say. Takes about a second; with 4,000 tokens hardly a word is cut up. */
export async function makeEmojiTokenizer(vocabSize = 4000): Promise<TextTokenizer> {
  return trainTokenizer(emojiTexts(await loadConcepts()), { vocabSize });
}
