import { DataError } from '../../core/index.ts';
import type { Sample, SampleMoment, SampleSource } from '../samples.ts';
import { withSamples } from '../sources/parts.ts';
import type { BlockedSource } from './blocks.ts';

/** Bad samples in a row after which it is no longer an accident. */
const MOST_IN_A_ROW = 100;

/** A source that leaves out what cannot be read. */
export interface SkippingSource extends BlockedSource {
  /** Samples that could not be read so far. */
  readonly skipped: number;
  /** What the first few of them said. */
  readonly reasons: readonly string[];
}

/**
 * Replaces each sample that cannot be read, pictures included, by the next one that can; the same one every time, so that
 * batches stay a function of their position. Pictures are opened here and not again later.
 */
export function skippingBad(source: BlockedSource): SkippingSource {
  const bad = new Set<number>();
  const reasons: string[] = [];
  const readable = withSamples(source, async (index, moment) => {
    let last: unknown;
    for (let step = 0; step < Math.min(MOST_IN_A_ROW, source.length); step++) {
      const at = (index + step) % source.length;
      try {
        return await opened(source, at, moment);
      } catch (error) {
        if (!(error instanceof DataError)) throw error;
        last = error;
        if (!bad.has(at) && reasons.length < 10) reasons.push(error.message);
        bad.add(at);
      }
    }
    throw new DataError(
      `none of ${Math.min(MOST_IN_A_ROW, source.length)} samples from ${index} on can be read; the last one: ${last instanceof Error ? last.message : String(last)}`,
      undefined,
      { cause: last },
    );
  });
  return {
    ...readable,
    reasons,
    get skipped() {
      return bad.size;
    },
  };
}

async function opened(source: SampleSource, index: number, moment: SampleMoment): Promise<Sample> {
  const sample = await source.sample(index, moment);
  const pictures = await Promise.all(
    sample.pictures.map(async (each) => {
      const picture = await each.open();
      return { ...each, open: () => picture };
    }),
  );
  return { ...sample, pictures };
}
