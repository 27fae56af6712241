import { describe, expect, it } from 'vitest';
import type { DType } from '../../../src/core/index.ts';
import { matchTensors, type NamingRules, parametersUnder, TensorAccountError } from '../../../src/hub/index.ts';

const EXPECTED = new Map([
  ['embeddings.weight', { shape: [5, 3] }],
  ['norm.weight', { shape: [3] }],
  ['norm.bias', { shape: [3] }],
]);
const RULES: NamingRules = {
  prefix: 'base.',
  renamed: [
    [/norm\.gamma$/, 'norm.weight'],
    [/norm\.beta$/, 'norm.bias'],
  ],
  ignored: [/position_ids$/, /^head\./],
};

function tensors(
  names: Readonly<Record<string, readonly number[]>>,
  dtype: DType = 'float32',
): { name: string; dtype: DType; shape: readonly number[] }[] {
  return Object.entries(names).map(([name, shape]) => ({ name, dtype, shape }));
}

function account(names: Readonly<Record<string, readonly number[]>>, dtype?: DType): ReturnType<typeof matchTensors> {
  return matchTensors(EXPECTED, tensors(names, dtype), RULES, 'some/model.safetensors');
}

function fault(names: Readonly<Record<string, readonly number[]>>, dtype?: DType): TensorAccountError {
  try {
    account(names, dtype);
  } catch (error) {
    expect(error).toBeInstanceOf(TensorAccountError);
    return error as TensorAccountError;
  }
  throw new Error('nothing was refused');
}

const PLAIN = { 'embeddings.weight': [5, 3], 'norm.weight': [3], 'norm.bias': [3] };

describe('matchTensors', () => {
  it.each([
    ['as they are', PLAIN, 'norm.weight'],
    [
      'with a prefix',
      { 'base.embeddings.weight': [5, 3], 'base.norm.weight': [3], 'base.norm.bias': [3] },
      'base.norm.weight',
    ],
    ['with older words', { 'embeddings.weight': [5, 3], 'norm.gamma': [3], 'norm.beta': [3] }, 'norm.gamma'],
    [
      'with both',
      { 'base.embeddings.weight': [5, 3], 'base.norm.gamma': [3], 'base.norm.beta': [3] },
      'base.norm.gamma',
    ],
  ])('finds tensors %s', (_, names, scale) => {
    const { names: found, ignored } = account(names);
    expect([...found.keys()].sort()).toEqual([...EXPECTED.keys()].sort());
    expect(found.get('norm.weight')).toBe(scale);
    expect(ignored).toEqual([]);
  });

  it('tells of tensors that are known and not needed', () => {
    const extra = { 'base.embeddings.position_ids': [1, 9], 'head.weight': [2, 3] };
    expect(account({ ...PLAIN, ...extra }).ignored).toEqual(Object.keys(extra));
  });

  it.each(['float16', 'bfloat16', 'float64'] as const)('takes weights of %s', (dtype) => {
    expect(account(PLAIN, dtype).names.size).toBe(3);
  });

  it('lists all that does not fit in one error', () => {
    const error = fault({ 'embeddings.weight': [5, 4], 'norm.weight': [3], 'other.weight': [1], tail: [2] });
    expect(error.missing).toEqual(['norm.bias']);
    expect(error.unexpected).toEqual(['other.weight', 'tail']);
    expect(error.misshaped).toEqual(['embeddings.weight is [5, 4] and should be [5, 3]']);
    expect(error.code).toBe('checkpoint');
    expect(error.message).toContain('some/model.safetensors');
    for (const part of ['norm.bias', 'other.weight', '[5, 4]', '[5, 3]']) expect(error.message).toContain(part);
  });

  it('does not let a shape be guessed: [3] is not [1, 3]', () => {
    expect(fault({ ...PLAIN, 'norm.bias': [1, 3] }).misshaped).toHaveLength(1);
  });

  it('refuses a weight that is given twice', () => {
    expect(fault({ ...PLAIN, 'base.norm.gamma': [3] }).unexpected).toEqual(['base.norm.gamma, beside norm.weight']);
  });

  it('refuses whole numbers in the place of weights', () => {
    expect(fault(PLAIN, 'int8').misshaped[0]).toMatch(/embeddings\.weight holds int8/);
  });

  it('does not take a prefix off twice, or from names that only begin like it', () => {
    expect(fault({ ...PLAIN, 'base.base.tail': [3] }).unexpected).toEqual(['base.base.tail']);
    expect(fault({ ...PLAIN, 'basement.norm.weight': [3] }).unexpected).toEqual(['basement.norm.weight']);
  });

  it('keeps its message short whatever the file holds', () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`${'x'.repeat(1000)}.${i}`, [1]]));
    const error = fault({ ...PLAIN, ...many });
    expect(error.unexpected).toHaveLength(5000);
    expect(error.message.length).toBeLessThan(1500);
  });
});

describe('parametersUnder', () => {
  it('gives a part by its own names', () => {
    const whole = new Map([
      ['vision.norm.weight', 1],
      ['vision.norm.bias', 2],
      ['text.norm.weight', 3],
    ]);
    expect([...parametersUnder(whole, 'vision.')]).toEqual([
      ['norm.weight', 1],
      ['norm.bias', 2],
    ]);
  });
});
