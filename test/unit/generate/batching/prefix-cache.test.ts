import { describe, expect, it } from 'vitest';
import { PrefixCache } from '../../../../src/generate/batching/prefix-cache.ts';
import { BlockKeys } from '../../../../src/generate/batching/prefixes.ts';
import { hostTensor, Random } from '../../../../src/core/index.ts';

const BYTES = 400;
const block = (value: number): Float32Array => new Float32Array(BYTES / 4).fill(value);

/** The first number of each block that is found. */
function found(cache: PrefixCache, model: string, keys: readonly string[]): number[] {
  return cache.find(model, keys).map(({ numbers }) => numbers[0]!);
}

describe('a cache of prefixes', () => {
  it('finds what texts have in common from their beginning, for each model by itself', () => {
    const cache = new PrefixCache(100 * BYTES);
    cache.add('', ['a'], block(1));
    cache.add('', ['a', 'b'], block(2));
    cache.add('', ['a', 'c'], block(3));
    cache.add('x', ['a'], block(4));
    expect(found(cache, '', ['a', 'b', 'd'])).toEqual([1, 2]);
    expect(found(cache, '', ['a', 'c'])).toEqual([1, 3]);
    expect(found(cache, '', ['b'])).toEqual([]);
    expect(found(cache, 'x', ['a', 'b'])).toEqual([4]);
    // What is there stays as it is; what lacks its beginning is of no use.
    cache.add('', ['a'], block(9));
    cache.add('', ['q', 'r'], block(9));
    expect(found(cache, '', ['a'])).toEqual([1]);
    expect(cache.bytes).toBe(4 * BYTES);
  });

  it('keeps to its budget, and lets what was used longest ago go first, ends before beginnings', () => {
    const cache = new PrefixCache(4 * BYTES);
    cache.add('', ['a'], block(1));
    cache.add('', ['a', 'b'], block(2));
    cache.add('', ['c'], block(3));
    cache.add('', ['c', 'd'], block(4));
    expect(found(cache, '', ['a', 'b'])).toEqual([1, 2]);
    cache.add('', ['e'], block(5));
    // The end of the text that was used longest ago went.
    expect(found(cache, '', ['c', 'd'])).toEqual([3]);
    expect(found(cache, '', ['a', 'b'])).toEqual([1, 2]);
    expect(cache.bytes).toBe(4 * BYTES);
    const none = new PrefixCache(BYTES - 1);
    none.add('', ['a'], block(1));
    expect(none.bytes).toBe(0);
  });

  it('never holds a block without those before it, whatever comes and goes', () => {
    const random = new Random(1);
    const cache = new PrefixCache(12 * BYTES);
    const texts = Array.from({ length: 9 }, (_, i) =>
      Array.from({ length: 5 }, (_, depth) => `${depth < 2 ? i % 3 : i} ${depth}`),
    );
    for (let step = 0; step < 2000; step++) {
      const text = texts[random.integer(texts.length)]!;
      const known = cache.find('', text).length;
      const count = Math.min(text.length, known + 1 + random.integer(3));
      for (let length = known + 1; length <= count; length++) cache.add('', text.slice(0, length), block(length));
      expect(cache.bytes).toBeLessThanOrEqual(12 * BYTES);
      // What was used last is there, from its beginning on.
      expect(found(cache, '', text.slice(0, count))).toEqual(Array.from({ length: count }, (_, i) => i + 1));
    }
    let reachable = 0;
    for (const text of texts) reachable = Math.max(reachable, cache.find('', text).length);
    expect(reachable).toBeGreaterThan(0);
    const all = new Set(
      texts.flatMap((text) => text.slice(0, cache.find('', text).length).map((_, i) => text.slice(0, i + 1).join('|'))),
    );
    expect(all.size * BYTES).toBe(cache.bytes);
  });
});

describe('keys of blocks', () => {
  const tokens = Array.from({ length: 32 }, (_, i) => (i > 0 && i < 5 ? 99 : i));
  const picture = (key: string): { key: string; features: ReturnType<typeof hostTensor<'float32'>> } => ({
    key,
    features: hostTensor('float32', [4, 2]),
  });
  const keysOf = (key: string, answer: number[] = []): readonly string[] =>
    new BlockKeys({ tokens, pictures: [picture(key)] }, 99).first(2 + Number(answer.length > 0), answer);

  it('tell pictures apart by their content, and go on with the answer', () => {
    expect(keysOf('a')).toEqual(keysOf('a'));
    expect(keysOf('a')[0] === keysOf('b')[0]).toBe(false);
    expect(keysOf('a')[1]).toBe(keysOf('b')[1]);
    const answer = Array.from({ length: 16 }, (_, i) => 200 + i);
    const whole = new BlockKeys({ tokens: [...tokens, ...answer], pictures: [picture('a')] }, 99);
    expect(keysOf('a', answer)).toEqual(whole.first(3, []));
  });

  it('tell positions apart', () => {
    const at = (shift: number): readonly string[] => {
      const positions = hostTensor('int64', [3, 32]);
      for (let i = 0; i < 96; i++) positions.data[i] = BigInt((i % 32) + (i % 32 > 20 ? shift : 0));
      return new BlockKeys({ tokens, pictures: [picture('a')], positions }, 99).first(2, []);
    };
    expect(at(0)).toEqual(at(0));
    expect(at(0)[0]).toBe(at(1)[0]);
    expect(at(0)[1] === at(1)[1]).toBe(false);
  });
});
