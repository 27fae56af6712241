// B texts, T tokens
import { hostTensor, type HostTensor } from '../../core/index.ts';
import type { CheckpointTokenizer } from '../../data/index.ts';

/**
 * Texts to be compared with pictures, as the model reads them: a text's vector stands where the token is that ends it.
 * @param length T; longer texts are cut
 * @returns `ids` [B, T], and `ends` [B], which of the B · T tokens ends each text
 */
export function endedTexts(
  texts: readonly string[],
  tokenizer: CheckpointTokenizer,
  endToken: number,
  length: number,
): { readonly ids: HostTensor<'int64'>; readonly ends: HostTensor<'int64'> } {
  const shape = [texts.length, length];
  const ids = hostTensor('int64', shape, new BigInt64Array(texts.length * length).fill(BigInt(endToken)));
  const ends = hostTensor('int64', [texts.length]);
  for (const [row, text] of texts.entries()) {
    const tokens = tokenizer.encode(text, { specialTokens: false, maxLength: length - 1 });
    for (const [i, token] of tokens.entries()) ids.data[row * length + i] = BigInt(token);
    ends.data[row] = BigInt(row * length + tokens.length);
  }
  return { ids, ends };
}
