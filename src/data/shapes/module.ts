import { MaskedPairs } from '../masked-pairs.ts';
import { TextTokenizer } from '../tokenizer.ts';
import { ShapesDataset, type ShapesOptions } from './dataset.ts';

/** URL for a dataset description: drawn shapes with sentences, of which words are hidden, for pretraining. */
export const SHAPES_MODULE: string = import.meta.url;

/**
 * Called in each worker.
 * @public
 */
export function create(options: ShapesOptions): MaskedPairs {
  return new MaskedPairs(new ShapesDataset(options), new TextTokenizer(options.tokenizer));
}
