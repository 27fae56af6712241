import type { PairModel } from '../auto/index.ts';
import { DataError, hostTensor } from '../core/index.ts';
import type { Picture } from '../data/index.ts';
import { compileFromFiles, logProbabilityOf } from '../generate/index.ts';
import { cellsOf } from '../models/index.ts';
import { runOnce } from '../runtime/run-once.ts';
import type { Explanation } from './explain.ts';
import { explanationOf } from './explanation-of.ts';
import { PAIR, pairGraph } from './graphs/pair.ts';
import { onGrid } from './grid.ts';

/**
 * Shows which parts of a picture speak for a text with CLIP or SigLIP, by relevance (Chefer et al. 2021, arXiv 2103.15679). What is
 * explained is the text's logit.
 * @param others texts that it is held against: CLIP's probabilities are those of one among several
 * @returns an explanation whose one token is the text
 * @throws DataError where the text is empty
 */
export async function explainPair(
  model: PairModel,
  picture: Picture,
  text: string,
  others: readonly string[] = [],
): Promise<Explanation> {
  if (text.trim() === '') throw new DataError('the text is empty: there is nothing to explain', 'give a text');
  const { parts } = model;
  const texts = [text, ...others];
  const seed = hostTensor('float32', [1, texts.length]);
  seed.data[0] = 1;
  const read = model.readTexts(texts);
  const given = { [PAIR.pixels]: parts.pictures.batch([picture]), ...read, [PAIR.seed]: seed };
  const outputs = pairGraph(parts.model, read['ids']!.shape as [number, number], read['keep'] !== undefined);
  const program = await compileFromFiles(parts.runtime, outputs, parts.weights, { exact: true });
  try {
    const { logits, relevance } = await runOnce(parts.runtime, program, given);
    const [rows, columns] = parts.model.vision_model.grid;
    const cells = cellsOf(rows, columns, parts.pictures.frame(picture));
    const map = onGrid(cells, relevance!.data as Float32Array);
    return explanationOf(picture, [text], [logProbability(logits!.data as Float32Array, model.exclusive)], [map]);
  } finally {
    program.dispose();
  }
}

/** Of the first text: among all of them, or by itself. */
function logProbability(logits: Float32Array, exclusive: boolean): number {
  return exclusive ? logProbabilityOf(logits, 0) : -Math.log1p(Math.exp(-logits[0]!));
}
