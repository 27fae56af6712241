import { describe, expect, it } from 'vitest';
import { Random } from '../../../../src/core/index.ts';
import type { TokenBytes } from '../../../../src/data/index.ts';
import { jsonSchemaConstraint, wholeJson } from '../../../../src/generate/index.ts';

/** Every byte is a token; token 0 ends an answer. */
const bytes: TokenBytes = [undefined, ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte))];
const tokenizer = {
  tokenBytes: () => bytes,
  encode: (text: string) => Array.from(new TextEncoder().encode(text), (byte) => byte + 1),
};

/** Writes by chance, keeping to texts and lists for as long as it may. */
function written(schema: unknown, most: number, seed: number): string | undefined {
  const constraint = wholeJson(jsonSchemaConstraint(schema, bytes), schema, tokenizer, most).start([0]);
  const random = new Random(seed);
  const all: number[] = [];
  for (let i = 0; i < most; i++) {
    const logits = Float32Array.from(bytes, () => random.normal());
    for (const closer of ['"', ']', '}']) logits[closer.charCodeAt(0) + 1]! -= 6;
    constraint.mask(logits);
    const token = logits.reduce((best, logit, t) => (logit > logits[best]! ? t : best), 0);
    constraint.accept(token);
    all.push(...(bytes[token] ?? []));
    if (constraint.finished) return new TextDecoder().decode(Uint8Array.from(all));
  }
  return undefined;
}

const text = { type: 'string' };
const item = { type: 'object', properties: { kind: text, place: text }, required: ['kind', 'place'] };

describe('JSON that is whole in time', () => {
  it.each([
    ['a list of objects that may be empty', { type: 'array', items: item }],
    ['a long text', { type: 'string', minLength: 60 }],
    ['a reference', { $ref: '#/$defs/pair', $defs: { pair: item } }],
    ['one of several', { anyOf: [item, { type: 'array', items: text, minItems: 4 }] }],
    ['keys without schemas', { type: 'object', properties: {}, required: ['a', 'b'], additionalProperties: text }],
    ['keys that need not be', { type: 'object', properties: { a: item, b: text, c: text } }],
    ['several types', { type: ['object', 'null'], properties: { a: text }, required: ['a'] }],
  ])('%s', (_, schema) => {
    for (let seed = 0; seed < 20; seed++) {
      const found = written(schema, 260, seed);
      expect(found, `seed ${seed}`).toBeDefined();
      JSON.parse(found!);
    }
  });

  it('is refused where not even the shortest has room, without writing it out', () => {
    const many = (items: unknown): unknown => ({ type: 'array', items, minItems: 100_000 });
    const schema = many(many(many(text)));
    const constraint = jsonSchemaConstraint(schema, bytes);
    expect(() => wholeJson(constraint, schema, tokenizer, 1000)).toThrow(/tokens at least, and there is room for 1000/);
    const free = { type: 'object', properties: { a: text, b: text } };
    expect(written(free, 40, 1)).toBeDefined();
    expect(() => wholeJson(jsonSchemaConstraint(free, bytes), free, tokenizer, 1)).toThrow(/takes 2 tokens/);
    wholeJson(jsonSchemaConstraint({ type: 'object' }, bytes), { type: 'object', properties: null }, tokenizer, 50);
  });
});
