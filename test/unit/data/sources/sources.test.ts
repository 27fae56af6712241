import { describe, expect, it } from 'vitest';
import {
  augmented,
  type BlockedSource,
  concatenated,
  lengthBatches,
  lengthBounds,
  limited,
  mixed,
  openTogether,
  repeated,
  type Sample,
  type SampleSource,
  sharded,
  shuffled,
  shuffledInBlocks,
  withSamples,
} from '../../../../src/data/index.ts';

/** Samples that say which they are and in which pass they were asked for. */
function numbers(length: number, name = '', blocks?: readonly number[]): BlockedSource {
  return {
    length,
    ...(blocks === undefined ? {} : { blocks }),
    sample: (index, { epoch }): Sample => {
      if (!(index >= 0 && index < length)) throw new Error(`no sample ${index}`);
      return { id: `${name}${index}/${epoch}`, pictures: [], conversations: [] };
    },
  };
}

async function pass(source: SampleSource, epoch = 0, seed = 7): Promise<string[]> {
  const samples = Array.from({ length: source.length }, async (_, i) => (await source.sample(i, { seed, epoch })).id);
  return Promise.all(samples);
}

const all = (length: number, epoch = 0, name = ''): string[] =>
  Array.from({ length }, (_, i) => `${name}${i}/${epoch}`).sort();

describe('orders', () => {
  it('shuffles every sample once a pass, alike in every process', async () => {
    const first = await pass(shuffled(numbers(50)));
    expect([...first].sort()).toEqual(all(50));
    expect(await pass(shuffled(numbers(50)))).toEqual(first);
    const source = shuffled(numbers(50));
    const second = await pass(source, 1);
    expect(second.map((id) => id.split('/')[0])).not.toEqual(first.map((id) => id.split('/')[0]));
    // Going back gives what was there.
    expect(await pass(source, 0)).toEqual(first);
  });

  it('shuffles in blocks: every sample once, and few blocks at a time', async () => {
    const blocks = [0, 10, 15, 40, 60, 64, 90];
    const source = shuffledInBlocks(numbers(100, '', blocks), 12);
    const first = await pass(source);
    expect([...first].sort()).toEqual(all(100));
    expect(await pass(shuffledInBlocks(numbers(100, '', blocks), 12))).toEqual(first);
    expect((await pass(source, 1)).map((id) => id.split('/')[0])).not.toEqual(first.map((id) => id.split('/')[0]));
    // Within a window lie at most as many blocks as 12 samples in a row can touch.
    const blockOf = (id: string): number => blocks.findLastIndex((start) => start <= Number(id.split('/')[0]));
    for (let i = 0; i < 100; i += 12) expect(new Set(first.slice(i, i + 12).map(blockOf)).size).toBeLessThanOrEqual(4);
    // In any order of calls.
    for (const i of [99, 3, 57]) expect((await source.sample(i, { seed: 7, epoch: 0 })).id).toBe(first[i]);
  });
});

describe('parts', () => {
  it('divides among processes without overlap', async () => {
    const parts = await Promise.all([0, 1, 2].map((rank) => pass(sharded(numbers(11), rank, 3))));
    expect(parts.map((part) => part.length)).toEqual([3, 3, 3]);
    expect(new Set(parts.flat()).size).toBe(9);
    expect(() => sharded(numbers(2), 0, 3)).toThrow(/cannot be divided/);
    expect(() => sharded(numbers(2), 2, 2)).toThrow(/no part 2/);
  });

  it('limits, repeats and concatenates, blocks included', async () => {
    const source = limited(numbers(100, '', [0, 10, 50]), 45, 8);
    expect(source).toMatchObject({ length: 45, blocks: [0, 2, 42] });
    expect((await pass(source))[0]).toBe('8/0');
    expect(await pass(repeated(numbers(2), 3), 1)).toEqual(['0/3', '1/3', '0/4', '1/4', '0/5', '1/5']);
    const both = concatenated([numbers(3, 'a'), numbers(10, 'b', [0, 4])]);
    expect(both).toMatchObject({ length: 13, blocks: [0, 3, 7] });
    expect((await pass(both)).slice(2, 5)).toEqual(['a2/0', 'b0/0', 'b1/0']);
  });
});

describe('opening several', () => {
  const closing = (name: string, closed: string[]): BlockedSource => ({
    ...numbers(2, name),
    close: () => void closed.push(name),
  });

  it('closes what is open when a later one cannot be opened, or they do not go together', async () => {
    const closed: string[] = [];
    const open = async (name: string): Promise<BlockedSource> => {
      if (name === 'c') throw new Error('c is damaged');
      return closing(name, closed);
    };
    await expect(openTogether(['a', 'b', 'c', 'd'], open, concatenated)).rejects.toThrow('c is damaged');
    expect(closed).toEqual(['a', 'b']);
    const unweighted = (sources: readonly BlockedSource[]): SampleSource =>
      mixed(sources.map((source) => ({ source, weight: 0 })));
    await expect(openTogether(['a', 'b'], open, unweighted)).rejects.toThrow(/a weight of 0/);
    expect(closed).toEqual(['a', 'b', 'a', 'b']);
    const both = await openTogether(['a', 'b'], open, concatenated);
    expect(closed).toHaveLength(4);
    await both.close?.();
    expect(closed).toHaveLength(6);
  });

  it('keeps blocks, concepts and closing where samples are changed', async () => {
    const closed: string[] = [];
    const source = { ...closing('a', closed), blocks: [0, 1], concepts: 7 };
    const changed = withSamples(source, (index, moment) => source.sample(1 - index, moment));
    expect(changed).toMatchObject({ length: 2, blocks: [0, 1], concepts: 7 });
    expect(await pass(changed)).toEqual(['a1/0', 'a0/0']);
    expect(augmented(source)).toMatchObject({ length: 2, blocks: [0, 1], concepts: 7 });
    await changed.close?.();
    expect(closed).toEqual(['a']);
  });
});

describe('mixed', () => {
  it('keeps to the shares among every first n', async () => {
    const source = mixed([
      { source: numbers(10, 'a'), weight: 3 },
      { source: numbers(1000, 'b'), weight: 1 },
      { source: numbers(50, 'c'), weight: 2 },
    ]);
    const ids = await pass(source);
    const counts: Record<string, number> = { a: 0, b: 0, c: 0 };
    for (const [i, id] of ids.entries()) {
      counts[id[0]!]!++;
      for (const [name, share] of [
        ['a', 1 / 2],
        ['b', 1 / 6],
        ['c', 1 / 3],
      ] as const)
        expect(Math.abs(counts[name]! - share * (i + 1))).toBeLessThanOrEqual(1);
    }
  });

  it('begins small sources anew and goes on with large ones in the next pass', async () => {
    const parts = [
      { source: numbers(3, 'a'), weight: 1 },
      { source: numbers(10, 'b'), weight: 1 },
    ];
    const source = mixed(parts, 8);
    const ids = [...(await pass(source, 0)), ...(await pass(source, 1)), ...(await pass(source, 2))];
    const of = (name: string): string[] => ids.filter((id) => id.startsWith(name));
    expect(of('a')).toEqual(Array.from({ length: 12 }, (_, i) => `a${i % 3}/${Math.floor(i / 3)}`));
    expect(of('b')).toEqual(Array.from({ length: 12 }, (_, i) => `b${i % 10}/${Math.floor(i / 10)}`));
  });

  it('refuses what cannot be mixed', () => {
    const source = numbers(5);
    expect(() => mixed([])).toThrow(/0 sources/);
    expect(() => mixed([{ source, weight: 0 }])).toThrow(/weight of 0/);
    expect(() =>
      mixed(
        [
          { source, weight: 1e9 },
          { source, weight: 1 },
        ],
        100,
      ),
    ).toThrow(/source 2 .* no sample/);
    expect(() => mixed([{ source }], 2 ** 40)).toThrow(/cannot be mixed/);
  });
});

describe('length buckets', () => {
  const lengths = Array.from({ length: 400 }, (_, i) => (i % 4 === 0 ? 100 + (i % 50) : 10 + (i % 20)));
  const padding = (bounds: number[]): number =>
    lengths.reduce((sum, length) => sum + bounds.find((bound) => length <= bound)! - length, 0);

  it('finds the bounds that pad least', () => {
    const bounds = lengthBounds(lengths, 3, 8);
    expect(bounds.at(-1)).toBe(152);
    expect(bounds.every((bound) => bound % 8 === 0)).toBe(true);
    let least = Number.POSITIVE_INFINITY;
    for (let a = 8; a < 152; a += 8) for (let b = a; b < 152; b += 8) least = Math.min(least, padding([a, b, 152]));
    expect(padding(bounds)).toBe(least);
    expect(lengthBounds([5, 5], 4, 16)).toEqual([16]);
  });

  it('puts every sample into one batch that it fits', () => {
    const bounds = lengthBounds(lengths, 3, 8);
    const batches = lengthBatches(lengths, bounds, 600, { seed: 1, epoch: 0 });
    expect(batches.flatMap(({ samples }) => samples).sort((a, b) => a - b)).toEqual(Array.from(lengths.keys()));
    for (const { bound, samples } of batches) {
      expect(bound * samples.length).toBeLessThanOrEqual(600);
      for (const sample of samples) expect(lengths[sample]).toBeLessThanOrEqual(bound);
    }
    expect(lengthBatches(lengths, bounds, 600, { seed: 1, epoch: 0 })).toEqual(batches);
    expect(lengthBatches(lengths, bounds, 600, { seed: 1, epoch: 1 })).not.toEqual(batches);
    expect(() => lengthBatches(lengths, bounds, 100, { seed: 1, epoch: 0 })).toThrow(/holds no sample/);
  });
});
