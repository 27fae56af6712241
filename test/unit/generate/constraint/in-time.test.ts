import { describe, expect, it } from 'vitest';
import { Random } from '../../../../src/core/index.ts';
import type { TokenBytes } from '../../../../src/data/index.ts';
import { inTime } from '../../../../src/generate/constraint/in-time.ts';
import { type ConstraintFactory, jsonSchemaConstraint } from '../../../../src/generate/index.ts';

/** Every byte is a token, and some longer ones that begin, end and join texts; token 0 ends an answer. */
const LONGER = ['","', '"]', '"}', '],"', ']}', '\\"', 'a]', '",', ', ', '}]'];
const vocabulary: TokenBytes = [
  undefined,
  ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
  ...LONGER.map((text) => new TextEncoder().encode(text)),
];

const schema = {
  type: 'object',
  properties: {
    first: { type: 'string', minLength: 1, maxLength: 400 },
    list: { type: 'array', items: { type: 'string', minLength: 2, maxLength: 90 }, minItems: 2, maxItems: 50 },
    rows: {
      type: 'array',
      items: {
        type: 'object',
        properties: { kind: { enum: ['a, b', 'c"]'] }, count: { type: 'integer', minimum: 0, maximum: 1e12 } },
        required: ['kind', 'count'],
        additionalProperties: false,
      },
      minItems: 1,
      maxItems: 40,
    },
    last: { type: 'boolean' },
  },
  required: ['first', 'list', 'rows', 'last'],
  additionalProperties: false,
};

/** Writes by chance. @returns the text, or nothing where it did not end within so many tokens */
function write(factory: ConstraintFactory, seed: number, most: number): string | undefined {
  const random = new Random(seed);
  const constraint = factory.start([0]);
  const bytes: number[] = [];
  for (let i = 0; i < most; i++) {
    const logits = Float32Array.from(vocabulary, () => random.normal());
    constraint.mask(logits);
    const token = logits.reduce((best, logit, t) => (logit > logits[best]! ? t : best), 0);
    constraint.accept(token);
    bytes.push(...(vocabulary[token] ?? []));
    if (constraint.finished) return new TextDecoder().decode(Uint8Array.from(bytes));
  }
  return undefined;
}

describe('answers that come to their end in time', () => {
  const plain = jsonSchemaConstraint(schema, vocabulary);

  it.each([0, 1, 10, 60, 200, 500])('after %i tokens only what must be is written', (tokens) => {
    for (let seed = 0; seed < 8; seed++) {
      // The shortest answer has 60 letters.
      const text = write(inTime(plain, vocabulary, tokens), seed, tokens + 90);
      const { first, list, rows } = JSON.parse(text!) as { first: string; list: string[]; rows: unknown[] };
      expect(first.length).toBeGreaterThan(0);
      expect(list.length).toBeGreaterThanOrEqual(2);
      expect(rows.length).toBeGreaterThanOrEqual(1);
      if (tokens === 0) expect([[...first].length, list.length, rows.length]).toEqual([1, 2, 1]);
    }
  });

  it('changes nothing before', () => {
    expect(write(inTime(plain, vocabulary, 1e6), 3, 20_000)).toBe(write(plain, 3, 20_000));
  });
});
