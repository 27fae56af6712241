import { groupBy } from '../../core/index.ts';
import type { Picture, SamplePicture } from '../../data/index.ts';
import type { EmbeddingModel } from './evaluated-model.ts';
import { type Figure, meanFigure, type ScoredItem } from './figures.ts';
import type { SuitePair } from './picture-suite.ts';
import { firstRanks } from './retrieval.ts';

/** Pictures or texts whose vectors are made together. */
const BATCH = 32;

/**
 * Recall at 1 of pictures among texts and of texts among pictures, in each language, and the mean of all as `retrieval-r1-N`,
 * N being the number of pictures.
 * @param progress called with how many pictures and texts have their vectors, of how many
 */
export async function retrievePairs(
  embedding: EmbeddingModel,
  pairs: readonly SuitePair[],
  progress: (done: number, total: number) => void,
): Promise<Record<string, Figure>> {
  const pictures = [...new Set(pairs.map(({ picture }) => picture))];
  const total = pictures.length + pairs.length;
  const vectors = new Map<SamplePicture, Float32Array>();
  for (let at = 0; at < pictures.length; at += BATCH) {
    const batch = pictures.slice(at, at + BATCH);
    const shown: Picture[] = [];
    for (const each of batch) shown.push(await each.open());
    for (const [i, vector] of (await embedding.embedPictures(shown)).entries()) vectors.set(batch[i]!, vector);
    progress(vectors.size, total);
  }
  const texts: Float32Array[] = [];
  for (let at = 0; at < pairs.length; at += BATCH) {
    texts.push(...(await embedding.embedTexts(pairs.slice(at, at + BATCH).map(({ text }) => text))));
    progress(pictures.length + texts.length, total);
  }
  const figures: Record<string, Figure> = {};
  const all: ScoredItem[] = [];
  const name = `retrieval-r1-${pictures.length}`;
  for (const [language, places] of groupBy(pairs.keys(), (i) => pairs[i]!.language)) {
    const { imageToText, textToImage } = firstRanks(
      places.map((i) => vectors.get(pairs[i]!.picture)!),
      places.map((i) => texts[i]!),
    );
    const scored = (ranks: readonly number[]): ScoredItem[] =>
      ranks.map((score, n) => ({ group: pairs[places[n]!]!.picture.name, score }));
    figures[`${name}-image-to-text-${language}`] = meanFigure(scored(imageToText));
    figures[`${name}-text-to-image-${language}`] = meanFigure(scored(textToImage));
    all.push(...scored(imageToText), ...scored(textToImage));
  }
  return { [name]: meanFigure(all), ...figures };
}
