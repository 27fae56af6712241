import { EasyVqaDataset, type EasyVqaOptions, type EasyVqaSplit } from '../easy-vqa.ts';
import { MaskedPairs } from '../masked-pairs.ts';
import { TextTokenizer } from '../tokenizer.ts';

/** Reads the split once; see the same function for questions with answers. @public */
export { prepare } from './easy-vqa.ts';

/** URL for a dataset description: easy-VQA's pictures with questions as descriptions, for pretraining. */
export const EASY_VQA_QUESTIONS_MODULE: string = import.meta.url;

/**
 * Called in each worker.
 * @public
 */
export function create(options: EasyVqaOptions, data: EasyVqaSplit): MaskedPairs {
  return new MaskedPairs(
    new EasyVqaDataset({ ...options, described: true }, data),
    new TextTokenizer(options.tokenizer),
  );
}
