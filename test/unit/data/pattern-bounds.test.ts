import { describe, expect, it } from 'vitest';
import { checkPatterns, refusalOf } from '../../../src/data/pattern-bounds.ts';

describe('refusalOf', () => {
  // As GPT-2, Llama 3, GPT-4o, DeepSeek and OLMo write them.
  it.each([
    String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
    String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
    String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}]+`,
    '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*',
    String.raw`\d{1,3}(?=(?:\d{3})*\b)`,
    String.raw` {2,}`,
    '[一-龥぀-ゟ゠-ヿ]+',
    '',
  ])('lets %j through', (pattern) => expect(refusalOf(pattern)).toBeUndefined());

  it.each([
    '(a+)+$',
    '(?:a|a)*$',
    '(?:a*?)*?b',
    '(a{1,30}){1,30}b',
    '((a?){30}){30}',
    '(?:x(a|b))+',
    'a*a*a*a*b',
    'x(?:a*b*)c*d*',
  ])('refuses %j', (pattern) => expect(refusalOf(pattern)).toMatch(/repetition/));

  it('refuses long ones', () => expect(refusalOf('a'.repeat(30_000))).toMatch(/longer/));
});

it('reckons how much a text may grow', () => {
  const replace = (from: string, to: string): object => ({ type: 'Replace', pattern: { String: from }, content: to });
  expect(() =>
    checkPatterns([{ type: 'Sequence', normalizers: [replace(' ', '▁'), replace('``', '"')] }]),
  ).not.toThrow();
  expect(() => checkPatterns([{ normalizers: Array.from({ length: 3 }, () => replace('a', 'aaaaaaaaaa')) }])).toThrow(
    /longer/,
  );
  expect(() => checkPatterns([{ pretokenizers: [{ pattern: { Regex: '(a+)+' } }] }])).toThrow(/refused/);
});
