import { describe, expect, it } from 'vitest';
import { TrainingError } from '../../../src/core/index.ts';
import { largestBatch, memoryBudget } from '../../../src/train/batch-search.ts';

const MIB = 2 ** 20;

/** A process that takes 300 MiB and 10 more for each sample, with no more than `most` samples. */
function fake(most = Number.POSITIVE_INFINITY): {
  tried: number[];
  measure: (batch: number) => Promise<number | undefined>;
} {
  const tried: number[] = [];
  const measure = async (batch: number): Promise<number | undefined> => {
    tried.push(batch);
    return batch > most ? undefined : (300 + 10 * batch) * MIB;
  };
  return { tried, measure };
}

describe('the biggest batch', () => {
  it.each([
    [310, 1],
    [349, 4],
    [370, 7],
    [381, 8],
  ])('within %d MiB is %d samples, found exactly where it is small', async (budget, batch) => {
    const { measure } = fake();
    expect(await largestBatch(measure, { budget: budget * MIB })).toEqual({ batch, bytes: (300 + 10 * batch) * MIB });
  });

  it('is found to an eighth where it is great, with few measurements and none far beyond the budget', async () => {
    const { tried, measure } = fake();
    const { batch } = await largestBatch(measure, { budget: 4096 * MIB });
    // 379 would fit.
    expect(batch).toBeLessThanOrEqual(379);
    expect(batch).toBeGreaterThanOrEqual(379 * (7 / 8));
    expect(tried.length).toBeLessThanOrEqual(13);
    expect(300 + 10 * Math.max(...tried)).toBeLessThan(1.5 * 4096);
  });

  it('is bounded by what the data hold, and by what was asked for', async () => {
    expect((await largestBatch(fake(22).measure, { budget: 1e12 })).batch).toBe(22);
    const { tried, measure } = fake();
    expect((await largestBatch(measure, { budget: 1e12, most: 48 })).batch).toBe(48);
    expect(tried).toEqual([1, 2, 4, 8, 16, 32, 48]);
  });

  it('tells of each measurement, and says when nothing fits', async () => {
    const told: [number, number | undefined][] = [];
    const measure = async (): Promise<undefined> => undefined;
    const found = largestBatch(measure, { budget: MIB, onMeasured: (...one) => told.push(one) });
    await expect(found).rejects.toThrow(TrainingError);
    expect(told).toEqual([[1, undefined]]);
  });
});

describe('a budget', () => {
  it.each([
    ['4GiB', 4 * 2 ** 30],
    [' 800 MB ', 8e8],
    ['1.5KiB', 1536],
    ['60%', 600],
    ['100%', 1000],
    ['101%', undefined],
    ['0%', undefined],
    ['0GiB', undefined],
    ['4', undefined],
    ['-4GiB', undefined],
    ['4 gigabytes', undefined],
  ])('of %s is %d bytes where 1000 are free', (text, bytes) => expect(memoryBudget(text, 1000)).toBe(bytes));
});
