import { describe, expect, it } from 'vitest';
import { hostTensor } from '../../../../src/core/index.ts';
import type { Batch } from '../../../../src/data/index.ts';
import { batchFindings } from '../../../../src/recipe/doctor/batch-checks.ts';
import { fingerprint, overlapFindings, repeatFindings } from '../../../../src/recipe/doctor/duplicates.ts';
import { orderFindings, type RecipeFinding } from '../../../../src/recipe/doctor/finding.ts';
import { image, plain, sampleOf, text, turn } from './subject.ts';

describe('orderFindings', () => {
  const finding = (level: RecipeFinding['level'], check: string, where = 'a'): RecipeFinding => ({
    level,
    check,
    where,
    message: 'is wrong',
  });

  it('puts the worst first', () => {
    const found = [finding('note', 'x'), finding('warning', 'x'), finding('error', 'x')];
    expect(orderFindings(found).map(({ level }) => level)).toEqual(['error', 'warning', 'note']);
  });

  it('shows a few of many and says how many there are', () => {
    const many = Array.from({ length: 10 }, (_, i) => finding('error', 'no-loss', `sample ${i}`));
    const shown = orderFindings([...many, finding('error', 'context')]);
    expect(shown.map(({ where }) => where)).toEqual(['sample 0', 'sample 1', 'sample 2', 'a']);
    expect(shown[2]!.message).toBe('is wrong (and 7 more like it)');
  });
});

describe('duplicates', () => {
  const of = (id: string, said: string, shade: number) =>
    fingerprint(sampleOf([turn('user', image(), text('What?')), turn('assistant', text(said))], { id }), [
      plain(8, 8, shade),
    ]);

  it('finds samples that are there twice', () => {
    const found = repeatFindings([of('a', 'An apple', 1), of('b', 'an  apple', 1), of('c', 'an apple', 2)]);
    expect(found.map(({ where, level }) => `${level} ${where}`)).toEqual(['warning b']);
    expect(found[0]!.message).toContain('a');
  });

  it('finds samples of evaluation that are trained on, whole or by their pictures', () => {
    const train = [of('a', 'an apple', 1), of('b', 'a bird', 2)];
    const found = overlapFindings(train, [of('x', 'an apple', 1), of('y', 'a cat', 2), of('z', 'a cat', 3)]);
    expect(found.map(({ where, level }) => `${level} ${where}`)).toEqual(['error x', 'warning y']);
  });
});

describe('batchFindings', () => {
  /** @param rows ids; 0 is padding */
  const batch = (rows: readonly number[][], labels: readonly number[] = rows.map((_, i) => i % 2)): Batch => {
    const flat = rows.flat();
    const shape = [rows.length, rows[0]!.length];
    return {
      ids: rows.map((_, i) => `text ${i}`),
      tensors: {
        ids: hostTensor('int64', shape, BigInt64Array.from(flat.map(BigInt))),
        mask: hostTensor(
          'float32',
          shape,
          Float32Array.from(flat, (id) => (id === 0 ? 0 : 1)),
        ),
        label: hostTensor('int64', [rows.length], BigInt64Array.from(labels.map(BigInt))),
      },
    };
  };
  const limits = { vocabularySize: 10, classes: 2 };
  const found = (...rows: number[][]): string[] =>
    batchFindings([batch(rows)], limits).map(({ level, check }) => `${level} ${check}`);

  it('has nothing to say of a good batch', () => {
    expect(found([1, 2, 0], [3, 0, 0])).toEqual([]);
  });

  it('finds tokens without embeddings, cut texts and empty ones', () => {
    expect(batchFindings([batch([[1, 12, 0]])], limits)[0]).toMatchObject({ check: 'vocabulary', where: 'text 0' });
    expect(found([1, 2, 3], [1, 0, 0])).toEqual(['warning text-length']);
    expect(found([0, 0, 0], [1, 0, 0])).toEqual(['error no-text']);
  });

  it('finds answers that there are not, and those that are always the same', () => {
    expect(batchFindings([batch([[1, 0]], [5])], limits)[0]).toMatchObject({ level: 'error', check: 'answers' });
    const same = Array.from({ length: 40 }, () => [1, 0]);
    const labels = same.map(() => 1);
    expect(batchFindings([batch(same, labels)], limits)[0]).toMatchObject({ level: 'warning', check: 'answers' });
  });
});
