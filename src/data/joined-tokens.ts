import { z } from 'zod';
import { CheckpointError } from '../core/index.ts';

/** By the id of a token the ids of the two that it is joined of. */
export type JoinedTokens = ReadonlyMap<number, readonly [number, number]>;

const schema = z.looseObject({
  model: z.looseObject({
    vocab: z.record(z.string(), z.int()),
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])).default([]),
  }),
});

/**
 * What the tokens of a byte pair tokenizer are joined of. Letters, special tokens and all tokens of other tokenizers are joined of
 * nothing.
 * @param json content of `tokenizer.json`  @throws CheckpointError
 */
export function joinedTokens(json: unknown, where = 'tokenizer.json'): JoinedTokens {
  const file = schema.safeParse(json);
  if (!file.success)
    throw new CheckpointError(
      `${where}: ${z.prettifyError(file.error).replaceAll(/\s+/g, ' ').slice(0, 200)}`,
      'splitTokens needs a tokenizer of byte pairs; leave it out',
    );
  const { vocab, merges } = file.data.model;
  const ids = new Map(Object.entries(vocab));
  const joined = new Map<number, readonly [number, number]>();
  for (const merge of merges) {
    const [left = '', right = ''] = typeof merge === 'string' ? merge.split(' ') : merge;
    const [whole, a, b] = [left + right, left, right].map((text) => ids.get(text));
    if (whole !== undefined && a !== undefined && b !== undefined && !joined.has(whole)) joined.set(whole, [a, b]);
  }
  return joined;
}
