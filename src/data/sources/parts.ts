/** Sources cut, repeated and put in a row. */
import { DataError } from '../../core/index.ts';
import { blockOf, type BlockedSource } from '../formats/blocks.ts';
import type { SampleSource } from '../samples.ts';

/**
 * Every `count`-th sample from `rank` on, for one of several processes. All get equally many, so that none waits for the others;
 * up to `count` − 1 samples are left over, other ones each pass when `source` is shuffled.
 */
export function sharded(source: SampleSource, rank: number, count: number): SampleSource {
  if (!Number.isInteger(count) || count < 1 || !Number.isInteger(rank) || rank < 0 || rank >= count)
    throw new DataError(`there is no part ${rank} of ${count}`, 'count parts from 0');
  const length = Math.floor(source.length / count);
  if (length === 0)
    throw new DataError(`${source.length} samples cannot be divided among ${count} processes`, 'use fewer processes');
  return {
    ...traits(source),
    length,
    sample: (index, moment) => source.sample(index * count + rank, moment),
    close: () => source.close?.(),
  };
}

/** Samples from `from` on, at most `count` of them. */
export function limited(source: BlockedSource, count: number, from = 0): BlockedSource {
  if (!Number.isInteger(count) || count < 1 || !Number.isInteger(from) || from < 0 || from >= source.length)
    throw new DataError(
      `${count} samples from ${from} on cannot be taken of ${source.length}`,
      'give whole numbers within the data',
    );
  const length = Math.min(count, source.length - from);
  const starts = source.blocks?.map((start) => start - from).filter((start) => start > 0 && start < length);
  return {
    ...traits(source),
    length,
    ...(starts === undefined ? {} : { blocks: [0, ...starts] }),
    sample: (index, moment) => source.sample(index + from, moment),
    close: () => source.close?.(),
  };
}

/** Several passes over a source as one; each of them draws and shuffles anew. */
export function repeated(source: SampleSource, times: number): SampleSource {
  if (!Number.isInteger(times) || times < 1)
    throw new DataError(`data cannot be repeated ${times} times`, 'give a whole number from 1 up');
  const { length } = source;
  return {
    ...traits(source),
    length: length * times,
    sample: (index, { seed, epoch }) =>
      source.sample(index % length, { seed, epoch: epoch * times + Math.floor(index / length) }),
    close: () => source.close?.(),
  };
}

/** One source after the other. */
export function concatenated(sources: readonly BlockedSource[]): BlockedSource {
  if (sources.length === 0) throw new DataError('there are no data', 'name at least one source');
  if (sources.length === 1) return sources[0]!;
  const starts: number[] = [];
  const blocks: number[] = [];
  let length = 0;
  for (const source of sources) {
    starts.push(length);
    for (const start of source.blocks ?? [0]) blocks.push(length + start);
    length += source.length;
  }
  return {
    ...traits(...sources),
    length,
    blocks,
    sample(index, moment) {
      const at = blockOf(starts, index);
      return sources[at]!.sample(index - starts[at]!, moment);
    },
    close: () => closeAll(sources),
  };
}

/**
 * Opens sources one after the other and makes one of them. Where one cannot be opened, or nothing can be made of them, those that
 * are open are closed.
 * @param join such as {@link concatenated}
 */
export async function openTogether<Item, Source extends SampleSource, Joined>(
  items: readonly Item[],
  open: (item: Item, position: number) => Source | Promise<Source>,
  join: (sources: readonly Source[]) => Joined,
): Promise<Joined> {
  const sources: Source[] = [];
  try {
    for (const [i, item] of items.entries()) sources.push(await open(item, i));
    return join(sources);
  } catch (error) {
    // What went wrong first is what is told.
    await closeAll(sources).catch(() => undefined);
    throw error;
  }
}

/** The same source with other samples. */
export function withSamples(source: BlockedSource, sample: BlockedSource['sample']): BlockedSource {
  const { length, blocks } = source;
  return {
    ...traits(source),
    length,
    ...(blocks === undefined ? {} : { blocks }),
    sample,
    close: () => source.close?.(),
  };
}

/** What holds of all samples of all sources. */
export function traits(...sources: readonly SampleSource[]): Pick<SampleSource, 'concepts'> {
  const [first, ...others] = sources.map(({ concepts }) => concepts);
  return first === undefined || others.some((concepts) => concepts !== first) ? {} : { concepts: first };
}

/** Closes all of them, even when one cannot be closed. */
export async function closeAll(sources: readonly SampleSource[]): Promise<void> {
  const results = await Promise.allSettled(sources.map(async (source) => source.close?.()));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
