import { describe, expect, it } from 'vitest';
import { GenerationError, Random } from '../../../src/core/index.ts';
import { likeliest, logProbabilityOf } from '../../../src/generate/probability.ts';
import { Sampler, type SamplingOptions } from '../../../src/generate/sampling.ts';
import { shortlist } from '../../../src/generate/shortlist.ts';

/** The tokens that may be drawn, the likeliest first. */
function tokensOf(numbers: readonly number[], options: SamplingOptions): number[] {
  const logits = Float32Array.from(numbers);
  const { tokens, count } = shortlist(logits, options.temperature ?? 1, options);
  return Array.from(tokens.subarray(0, count)).sort((a, b) => logits[b]! - logits[a]! || a - b);
}

/** Logits of given probabilities. */
const logs = (...probabilities: number[]): Float32Array => Float32Array.from(probabilities, Math.log);

function shares(logits: Float32Array, options: SamplingOptions, draws = 20_000): number[] {
  const counts = Array.from(logits, () => 0);
  const random = new Random(7);
  for (let i = 0; i < draws; i++) {
    const token = new Sampler({ ...options, seed: random.uint32() }).next(logits);
    counts[token] = counts[token]! + 1;
  }
  return counts.map((count) => count / draws);
}

describe('the shortlist', () => {
  it('are cut by rank, by sum and by share of the likeliest', () => {
    const logits = [...logs(0.1, 0.4, 0.05, 0.3, 0.15)];
    expect(tokensOf(logits, {})).toEqual([1, 3, 4, 0, 2]);
    expect(tokensOf(logits, { topK: 2 })).toEqual([1, 3]);
    expect(tokensOf(logits, { topP: 0.69 })).toEqual([1, 3]);
    expect(tokensOf(logits, { topP: 0.75 })).toEqual([1, 3, 4]);
    expect(tokensOf(logits, { topP: 1e-9 })).toEqual([1]);
    expect(tokensOf(logits, { minP: 0.3 })).toEqual([1, 3, 4]);
    // Of the three likeliest, the first two hold 82 %.
    expect(tokensOf(logits, { topK: 3, topP: 0.8 })).toEqual([1, 3]);
    // A low temperature leaves the likeliest 64 % of the nucleus.
    expect(tokensOf(logits, { temperature: 0.5, topP: 0.9 })).toEqual([1, 3, 4]);
    expect(tokensOf([1, 2, 2, 0], { topK: 1 })).toEqual([1, 2]);
    expect(tokensOf([-Infinity, 1, -Infinity, 0], {})).toEqual([1, 3]);
  });

  it('are those of a full sort', () => {
    const random = new Random(3);
    for (let trial = 0; trial < 200; trial++) {
      const logits = Float32Array.from({ length: 50 }, () => 3 * random.normal());
      const topP = random.uniform(0.01, 0.999);
      const order = Array.from(logits.keys()).sort((a, b) => logits[b]! - logits[a]!);
      const weights = order.map((token) => Math.exp(logits[token]!));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      let sum = 0;
      const count = weights.findIndex((weight) => (sum += weight) >= topP * total) + 1;
      expect(tokensOf([...logits], { topP })).toEqual(order.slice(0, count));
    }
  });
});

describe('Sampler', () => {
  it('takes the likeliest token at temperature 0, with its probability', () => {
    const logits = logs(0.2, 0.5, 0.3);
    expect(new Sampler({}).next(logits)).toBe(1);
    expect(logProbabilityOf(logits, 1)).toBeCloseTo(Math.log(0.5), 6);
  });

  it('chooses from what a mask leaves', () => {
    const logits = logs(0.2, 0.5, 0.3);
    const allowed = { mask: (numbers: Float32Array): void => void (numbers[1] = -Infinity) };
    expect(new Sampler({}).next(logits, allowed)).toBe(2);
    expect(logits[1]).toBeCloseTo(Math.log(0.5), 6);
    const draws = Array.from({ length: 200 }, (_, seed) => new Sampler({ temperature: 3, seed }).next(logits, allowed));
    expect([...new Set(draws)].sort()).toEqual([0, 2]);
  });

  it('draws by the probabilities of what is left', () => {
    // 20,000 draws: a share of 0.5 has a standard deviation of 0.0035.
    const close = (found: number[], wanted: number[]): void =>
      wanted.forEach((share, token) => expect(Math.abs(found[token]! - share), `token ${token}`).toBeLessThan(0.015));
    const logits = logs(0.1, 0.5, 0.4);
    close(shares(logits, { temperature: 1 }), [0.1, 0.5, 0.4]);
    close(shares(logits, { temperature: 0.5 }), [0.01 / 0.42, 0.25 / 0.42, 0.16 / 0.42]);
    close(shares(logits, { temperature: 1, topK: 2 }), [0, 5 / 9, 4 / 9]);
  });

  it('gives the same tokens for the same seed', () => {
    const logits = Float32Array.from({ length: 40 }, (_, i) => Math.sin(i));
    const drawn = (seed: number, stream = 0): number[] => {
      const sampler = new Sampler({ temperature: 1, seed }, [], stream);
      return Array.from({ length: 20 }, () => sampler.next(logits));
    };
    expect(drawn(5)).toEqual(drawn(5));
    expect(drawn(5)).not.toEqual(drawn(6));
    expect(drawn(5)).not.toEqual(drawn(5, 1));
  });

  it('penalises what came before', () => {
    const logits = Float32Array.of(2, 1.9, -1);
    // The prompt holds token 0: 2 / 1.2 is less than 1.9.
    expect(new Sampler({ repetitionPenalty: 1.2 }, [0]).next(logits)).toBe(1);
    expect(new Sampler({ presencePenalty: 1 }, [0]).next(logits)).toBe(0);
    const twice = new Sampler({ presencePenalty: 0.5 });
    expect([twice.next(logits), twice.next(logits), twice.next(logits)]).toEqual([0, 1, 0]);
    const often = new Sampler({ frequencyPenalty: 0.06 });
    expect(Array.from({ length: 4 }, () => often.next(logits))).toEqual([0, 0, 1, 0]);
    // Negative logits become more so.
    expect(new Sampler({ repetitionPenalty: 2 }, [0]).next(Float32Array.of(-1, -1.5))).toBe(1);
  });

  it.each([
    [{ temperature: -1 }, 'temperature is -1'],
    [{ temperature: Number.NaN }, 'temperature is NaN'],
    [{ topP: 0 }, 'topP is 0'],
    [{ topK: 0.5 }, 'topK is 0.5'],
    [{ minP: 2 }, 'minP is 2'],
    [{ repetitionPenalty: 0 }, 'repetitionPenalty is 0'],
    [{ seed: 0.1 }, 'seed is 0.1'],
  ] satisfies [SamplingOptions, string][])('refuses %o', (options, message) => {
    expect(() => new Sampler(options)).toThrow(message);
    expect(() => new Sampler(options)).toThrow(GenerationError);
  });

  it('refuses logits that say nothing', () => {
    for (const bad of [
      [Number.NaN, Number.NaN],
      [-Infinity, -Infinity],
      [0, Infinity],
    ])
      expect(() => new Sampler({}).next(Float32Array.from(bad))).toThrow('no finite logits');
  });
});

describe('likeliest', () => {
  it('gives tokens with their log-probabilities', () => {
    expect(likeliest(Float32Array.of(1, 2, 2, 2), 2).map(({ token }) => token)).toEqual([1, 2]);
    expect(likeliest(Float32Array.of(1, 2), 9)).toHaveLength(2);
    const found = likeliest(logs(0.2, 0.5, 0.3), 2);
    expect(found.map(({ token }) => token)).toEqual([1, 2]);
    found.forEach(({ logProbability }, i) => expect(logProbability).toBeCloseTo(Math.log([0.5, 0.3][i]!), 6));
  });
});
