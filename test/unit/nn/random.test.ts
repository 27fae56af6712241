import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostTensor } from '../../../src/core/index.ts';
import * as g from '../../../src/graph/index.ts';
import { Dropout, inTraining } from '../../../src/nn/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import type { Runtime } from '../../../src/runtime/types.ts';
import { evaluate, floats } from '../evaluate.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1, backend: 'c-api' });
});
afterAll(async () => {
  await runtime.dispose();
});

const seedTensor = (seed: number): HostTensor => ({ dtype: 'int32', shape: [], data: Int32Array.of(seed) });

async function uniform(seed: number, site: number, count: number): Promise<Float32Array> {
  const y = g.randomUniform(g.input('seed', 'int32', []), [count], site);
  return (await evaluate(runtime, { y }, { seed: seedTensor(seed) }))['y']!.data as Float32Array;
}

function correlation(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - 0.5) * (b[i]! - 0.5);
  return (sum / a.length) * 12;
}

const COUNT = 1 << 16;
// Five standard deviations of a correlation between independent numbers.
const FIVE_SIGMA = 5 / Math.sqrt(COUNT);

describe('randomUniform', () => {
  it('lies in [0, 1), with the mean, the variance and the evenness of uniform numbers', async () => {
    for (const [seed, site] of [
      [0, 0],
      [1, 0],
      [-5, 3],
      [2 ** 31 - 1, 40],
    ] as const) {
      const x = await uniform(seed, site, COUNT);
      const bins = Array.from({ length: 256 }, () => 0);
      let sum = 0;
      let squares = 0;
      for (const value of x) {
        if (!(value >= 0 && value < 1)) throw new Error(`${value} is outside of [0, 1)`);
        bins[Math.floor(value * 256)]!++;
        sum += value;
        squares += value * value;
      }
      const mean = sum / COUNT;
      expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / COUNT));
      expect(Math.abs(squares / COUNT - mean * mean - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / COUNT));
      // χ² with 255 degrees of freedom: mean 255, deviation 22.6.
      const chi2 = bins.reduce((total, n) => total + (n - COUNT / 256) ** 2 / (COUNT / 256), 0);
      expect(chi2).toBeGreaterThan(255 - 5 * 22.6);
      expect(chi2).toBeLessThan(255 + 5 * 22.6);
    }
  });

  it('has no memory: neighbours, and pairs further apart, are uncorrelated', async () => {
    const x = await uniform(7, 2, COUNT + 1024);
    for (const lag of [1, 2, 3, 16, 64, 256, 1024]) {
      expect(Math.abs(correlation(x.slice(0, COUNT), x.slice(lag, lag + COUNT))), `lag ${lag}`).toBeLessThan(
        FIVE_SIGMA,
      );
    }
    // Pairs of neighbours fill the square evenly: χ² over 16 × 16 fields.
    const fields = Array.from({ length: 256 }, () => 0);
    for (let i = 0; i < COUNT; i += 2) fields[Math.floor(x[i]! * 16) * 16 + Math.floor(x[i + 1]! * 16)]!++;
    const expected = COUNT / 2 / 256;
    const chi2 = fields.reduce((total, n) => total + (n - expected) ** 2 / expected, 0);
    expect(Math.abs(chi2 - 255)).toBeLessThan(5 * 22.6);
  });

  it('is a function of seed and site, and other seeds and sites give unrelated numbers', async () => {
    const base = await uniform(100, 5, COUNT);
    expect(await uniform(100, 5, COUNT)).toEqual(base);
    // The shape does not matter, only the position.
    expect((await uniform(100, 5, 1000)).slice(0, 1000)).toEqual(base.slice(0, 1000));
    for (const [seed, site] of [
      [101, 5],
      [102, 5],
      [100, 6],
      [100, 7],
      [99, 6],
      [356, 5],
      [-100, 5],
      [65636, 5],
    ] as const) {
      const other = await uniform(seed, site, COUNT);
      expect(Math.abs(correlation(base, other)), `seed ${seed}, site ${site}`).toBeLessThan(FIVE_SIGMA);
      // Nor is one a shifted copy of the other near by.
      const at = other.indexOf(base[0]!);
      if (at >= 0) expect(other.slice(at, at + 8)).not.toEqual(base.slice(0, 8));
    }
  });
});

describe('Dropout', () => {
  const x = floats([64, 128], new Float32Array(64 * 128).fill(2));
  const masks = async (probability: number, seed: number, layers = 1): Promise<Record<string, HostTensor>> => {
    const input = g.input('x', 'float32', [64, 128]);
    const all = inTraining(g.input('seed', 'int32', []), () =>
      Object.fromEntries(Array.from({ length: layers }, (_, i) => [`y${i}`, new Dropout(probability).forward(input)])),
    );
    return await evaluate(runtime, all, { x, seed: seedTensor(seed) });
  };

  it.each([0.1, 0.5, 0.9])('with probability %f drops that part and keeps the mean', async (probability) => {
    const { y0 } = await masks(probability, 11);
    const data = y0!.data as Float32Array;
    const kept = data.filter((value) => value !== 0);
    const deviation = Math.sqrt((probability * (1 - probability)) / data.length);
    expect(Math.abs(kept.length / data.length - (1 - probability))).toBeLessThan(5 * deviation);
    expect(kept.every((value) => Math.abs(value - 2 / (1 - probability)) < 1e-5)).toBe(true);
    const mean = data.reduce((a, b) => a + b, 0) / data.length;
    expect(Math.abs(mean - 2)).toBeLessThan((5 * 2 * deviation) / (1 - probability));
  });

  it('drops the same for the same seed, and other elements for another seed or at another site', async () => {
    const [a, b, c] = [await masks(0.5, 11, 2), await masks(0.5, 11, 2), await masks(0.5, 12, 2)];
    expect(a['y0']!.data).toEqual(b['y0']!.data);
    expect(a['y1']!.data).toEqual(b['y1']!.data);
    const same = (p: HostTensor | undefined, q: HostTensor | undefined): number =>
      (p!.data as Float32Array).filter((value, i) => (value === 0) === (q!.data[i] === 0)).length / p!.data.length;
    // Independent masks agree on half of the elements; five standard deviations are 2.8 %.
    expect(Math.abs(same(a['y0'], a['y1']) - 0.5)).toBeLessThan(0.028);
    expect(Math.abs(same(a['y0'], c['y0']) - 0.5)).toBeLessThan(0.028);
  });

  it('is nothing outside of training, and at probability 0', () => {
    const input = g.input('x', 'float32', [2]);
    expect(new Dropout(0.5).forward(input)).toBe(input);
    expect(inTraining(g.input('seed', 'int32', []), () => new Dropout(0).forward(input))).toBe(input);
  });
});
