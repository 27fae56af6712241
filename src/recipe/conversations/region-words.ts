/** What is said of regions, as tokens: what the decoder is to be given of them. */
// I pictures, K regions of a picture, V tokens of the vocabulary
import { hostTensor, type HostTensor } from '../../core/index.ts';
import { asAnswer, type CheckpointTokenizer, type Sample, type SampleRegion } from '../../data/index.ts';
import type { ConversationReader, EncodedSample } from './encode.ts';

export interface RegionWordsShape {
  /** K: regions of a picture, at most; further ones are left out. */
  readonly regions: number;
  /** V. */
  readonly vocabulary: number;
}

/** Parts of what is said; where a region has no qualities, or boxes are not written, the others have more. */
const SHARES = { names: 3, qualities: 1, box: 1 } as const;

/**
 * @param samples each of one picture  @param encoded the same samples
 * @returns [I · K, V]: how likely each token is in what is said of a region. Rows sum to one, or to zero without a region.
 */
export function regionWords(
  samples: readonly Sample[],
  encoded: readonly EncodedSample[],
  { tokenizer, processor }: ConversationReader,
  { regions, vocabulary }: RegionWordsShape,
): HostTensor<'float32'> {
  const words = hostTensor('float32', [samples.length * regions, vocabulary]);
  for (const [i, { regions: known = [] }] of samples.entries()) {
    const [height, width] = encoded[i]!.pictures[0]?.imageSize ?? [1, 1];
    for (const [k, region] of known.slice(0, regions).entries()) {
      const box = processor?.grounding?.write?.(region.box, { width, height });
      const row = i * regions + k;
      writeRow(region, box, tokenizer, words.data.subarray(row * vocabulary, (row + 1) * vocabulary));
    }
  }
  return words;
}

function writeRow(
  { names = [], qualities = [] }: SampleRegion,
  box: string | undefined,
  tokenizer: CheckpointTokenizer,
  out: Float32Array,
): void {
  const parts: readonly (readonly [share: number, tokens: ReadonlySet<number>])[] = [
    [SHARES.names, tokensOf(names, tokenizer)],
    [SHARES.qualities, tokensOf(qualities, tokenizer)],
    [SHARES.box, tokensOf(box === undefined ? [] : [box], tokenizer)],
  ];
  const said = parts.filter(([, { size }]) => size > 0);
  const sum = said.reduce((total, [share]) => total + share, 0);
  for (const [share, tokens] of said) for (const token of tokens) out[token]! += share / (sum * tokens.size);
}

/** Words as they begin an answer, which is also how they stand within one. */
function tokensOf(texts: readonly string[], tokenizer: CheckpointTokenizer): ReadonlySet<number> {
  return new Set(texts.flatMap((text) => tokenizer.encode(asAnswer(text), { specialTokens: false })));
}
