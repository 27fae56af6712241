import { SortOfClevrDataset, type SortOfClevrOptions } from '../sort-of-clevr-dataset.ts';
import { sortOfClevrQuestionTexts } from '../sort-of-clevr.ts';
import { trainTokenizer } from '../tokenizer-trainer.ts';
import type { TextTokenizer } from '../tokenizer.ts';

/** URL for a dataset description. */
export const SORT_OF_CLEVR_MODULE: string = import.meta.url;

/**
 * Called in each worker; scenes are made by seed where they are first asked for.
 * @public
 */
export function create(options: SortOfClevrOptions): SortOfClevrDataset {
  return new SortOfClevrDataset(options);
}

/** A tokenizer made from all questions. */
export function makeSortOfClevrTokenizer(vocabSize: number): TextTokenizer {
  return trainTokenizer(sortOfClevrQuestionTexts(), { vocabSize });
}
