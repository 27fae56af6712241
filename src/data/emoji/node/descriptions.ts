import { MaskedPairs } from '../../masked-pairs.ts';
import { TextTokenizer } from '../../tokenizer.ts';
import { EmojiDataset, type EmojiMaterial, type EmojiOptions } from '../dataset.ts';

/** Renders the drawings; see the same function for statements. @public */
export { prepare } from './dataset.ts';

/** URL for a dataset description: emoji with names and tags, of which words are hidden, for pretraining. */
export const EMOJI_DESCRIPTIONS_MODULE: string = import.meta.url;

/**
 * Called in each worker.
 * @public
 */
export function create(options: EmojiOptions, material: EmojiMaterial): MaskedPairs {
  return new MaskedPairs(new EmojiDataset(options, material), new TextTokenizer(options.tokenizer));
}
