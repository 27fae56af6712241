/**
 * Captions filtered by a model that compares pictures and texts, as BLIP's CapFilt leaves out those that its matching head
 * calls wrong (Li et al. 2022, arXiv:2201.12086, section 3.3).
 */
import type { LoadedModel } from '../auto/index.ts';
import { DataError } from '../core/index.ts';
import { type Sample, textsIn } from '../data/index.ts';
import { match } from './matching.ts';

/**
 * How well what the assistant says of a picture fits it: the probability that they belong together, or the cosine where a
 * model has none. Of several conversations the worst counts.
 * @throws DataError for a sample without exactly one picture, or without an answer
 */
export async function captionFit(model: LoadedModel, sample: Sample): Promise<number> {
  const [only, ...others] = sample.pictures;
  if (only === undefined || others.length > 0)
    throw new DataError(
      `${sample.id} has ${sample.pictures.length} pictures`,
      'only samples of one picture can be matched',
    );
  const picture = await only.open();
  const texts = new Set(
    sample.conversations.map((turns) =>
      turns
        .filter(({ role }) => role === 'assistant')
        .flatMap(({ content }) => textsIn(content))
        .join(' ')
        .trim(),
    ),
  );
  texts.delete('');
  if (texts.size === 0) throw new DataError(`${sample.id} says nothing of its picture`, 'leave it out');
  let worst = Number.POSITIVE_INFINITY;
  for (const text of texts) {
    const { probability, cosine } = await match(model, picture, text);
    worst = Math.min(worst, probability ?? cosine);
  }
  return worst;
}

/**
 * The best share of samples, in their old order; of equal scores the earlier ones.
 * @param scores undefined where there is none, which is never kept
 * @param share of those that have a score, above 0 and at most 1
 */
export function keepBest(scores: readonly (number | undefined)[], share: number): number[] {
  if (!(share > 0 && share <= 1))
    throw new DataError(`a share of ${share} cannot be kept`, 'give a number above 0, at most 1');
  const scored = scores.flatMap((score, index) =>
    score === undefined || Number.isNaN(score) ? [] : [{ score, index }],
  );
  const kept = scored
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .slice(0, Math.round(share * scored.length));
  return kept.map(({ index }) => index).sort((a, b) => a - b);
}
