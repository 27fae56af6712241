import { z } from 'zod';
import { DataError } from '../core/index.ts';
import { lettersToBytes } from './byte-letters.ts';

/** The bytes of each token; none for tokens that stand for no text, such as the end. */
export type TokenBytes = readonly (Uint8Array | undefined)[];

const stepSchema = z.looseObject({
  type: z.string(),
  pattern: z.looseObject({ String: z.string().optional() }).optional(),
  content: z.string().optional(),
  replacement: z.string().optional(),
});
const decoderSchema = z.union([
  z.looseObject({ type: z.literal('Sequence'), decoders: z.array(stepSchema) }).transform(({ decoders }) => decoders),
  stepSchema.transform((step) => [step]),
]);

const BYTE = /^<0x([0-9A-Fa-f]{2})>$/;

/**
 * @param vocabulary ids by token
 * @param decoder as `tokenizer.json` describes it
 * @param special ids of tokens that stand for no text
 * @param added ids of tokens that are written as they are
 * @throws DataError when the decoder does more than put bytes together
 */
export function bytesOfTokens(
  vocabulary: ReadonlyMap<string, number>,
  decoder: unknown,
  special: ReadonlySet<number>,
  added: ReadonlySet<number>,
): TokenBytes {
  const steps = decoderSchema.safeParse(decoder).data ?? [];
  const types = steps.map(({ type }) => type);
  const write = types.includes('ByteLevel')
    ? byteLevel
    : types.includes('Metaspace') || types.includes('ByteFallback') || types.includes('Replace')
      ? pieces(steps)
      : undefined;
  if (write === undefined)
    throw new DataError(
      `a tokenizer with the decoder ${types.join(', ') || 'none'} has no bytes for its tokens`,
      'constrained answers need byte-level BPE or SentencePiece, as current language models have',
    );
  const result: (Uint8Array | undefined)[] = [];
  const encoder = new TextEncoder();
  for (const [token, id] of vocabulary)
    result[id] = special.has(id) ? undefined : added.has(id) ? encoder.encode(token) : write(token);
  // Without holes.
  return Array.from(result);
}

/** SentencePiece: a sign for the space, and tokens for single bytes. */
function pieces(steps: readonly z.infer<typeof stepSchema>[]): (token: string) => Uint8Array {
  const encoder = new TextEncoder();
  const hasBytes = steps.some(({ type }) => type === 'ByteFallback');
  return (token) => {
    const byte = hasBytes ? BYTE.exec(token) : null;
    if (byte !== null) return Uint8Array.of(Number.parseInt(byte[1]!, 16));
    let text = token;
    for (const { type, pattern, content, replacement = '▁' } of steps) {
      if (type === 'Metaspace') text = text.replaceAll(replacement, ' ');
      else if (type === 'Replace' && pattern?.String !== undefined)
        text = text.replaceAll(pattern.String, () => content ?? '');
    }
    return encoder.encode(text);
  };
}

function byteLevel(token: string): Uint8Array {
  // What is not made of bytes is written as it is.
  return lettersToBytes(token) ?? new TextEncoder().encode(token);
}
