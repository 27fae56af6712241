// B texts, T tokens, M masked tokens of a text at most
import { allocateArray, DataError, hostTensor, type HostTensor, type Random } from '../core/index.ts';
import type { EncodedTexts, TextTokenizer } from './tokenizer.ts';
import { SPECIAL_TOKENS } from './tokenizer-trainer.ts';

/** Texts with hidden words, and what was hidden. */
export interface MaskedTexts {
  /** [B, T] int64 */
  readonly ids: HostTensor<'int64'>;
  /** [B, M] int64: which tokens were chosen, 0 where a text had fewer. */
  readonly places: HostTensor<'int64'>;
  /** [B, M] int64: what stood there, −100 where a text had fewer. */
  readonly labels: HostTensor<'int64'>;
}

/** Part of a text's tokens that is chosen, and what becomes of them; the rest of the chosen stays as it is. */
const CHOSEN = 0.15;
const HIDDEN = 0.8;
const REPLACED = 0.1;

/** Label of a place that carries no loss. */
const NO_LABEL = -100n;

/**
 * Hides words as BERT does (Devlin et al. 2019, arXiv 1810.04805, section 3.1): of 15 % of a text's tokens, at least one, 80 % become
 * [MASK], 10 % any other word, and 10 % stay; all of them are to be named. Special tokens are never chosen.
 */
export class Masker {
  readonly #maskId: number;
  readonly #special: ReadonlySet<number>;
  readonly #words: readonly number[];

  /** @throws DataError for a tokenizer without a [MASK] token or without words */
  constructor(tokenizer: TextTokenizer) {
    const maskId = tokenizer.id('[MASK]');
    if (maskId === undefined)
      throw new DataError('the tokenizer has no [MASK] token', 'make one with the tokens that BERT uses');
    this.#maskId = maskId;
    this.#special = new Set(SPECIAL_TOKENS.flatMap((token) => tokenizer.id(token) ?? []));
    this.#words = Array.from({ length: tokenizer.vocabSize }, (_, id) => id).filter((id) => !this.#special.has(id));
    if (this.#words.length === 0) throw new DataError('the tokenizer has no words');
  }

  /** Most tokens that are chosen of texts of a length, M. */
  static most(length: number): number {
    return Math.max(1, Math.round(CHOSEN * length));
  }

  /**
   * @param randoms random numbers for each text, so that a text's words do not depend on its neighbours
   * @throws DataError for a number of them that differs from the number of texts
   */
  mask({ ids, mask }: EncodedTexts, randoms: readonly Random[]): MaskedTexts {
    const [rows, length] = ids.shape as [number, number];
    if (randoms.length !== rows) throw new DataError(`${randoms.length} random streams for ${rows} texts`);
    const most = Masker.most(length);
    const hidden = ids.data.slice();
    const places = allocateArray('int64', rows * most);
    const labels = allocateArray('int64', rows * most).fill(NO_LABEL);
    for (const [row, random] of randoms.entries()) {
      const candidates: number[] = [];
      for (let i = 0; i < length; i++) {
        const at = row * length + i;
        if (mask.data[at] === 1 && !this.#special.has(Number(ids.data[at]))) candidates.push(i);
      }
      const count = Math.min(candidates.length, Math.max(1, Math.round(CHOSEN * candidates.length)));
      const chosen = random.shuffle(candidates).slice(0, count);
      for (const [i, place] of chosen.entries()) {
        const at = row * length + place;
        places[row * most + i] = BigInt(place);
        labels[row * most + i] = ids.data[at]!;
        const fate = random.uniform();
        if (fate < HIDDEN) hidden[at] = BigInt(this.#maskId);
        else if (fate < HIDDEN + REPLACED) hidden[at] = BigInt(random.pick(this.#words));
      }
    }
    return {
      ids: hostTensor('int64', [rows, length], hidden),
      places: hostTensor('int64', [rows, most], places),
      labels: hostTensor('int64', [rows, most], labels),
    };
  }
}
