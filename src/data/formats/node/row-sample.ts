import type { Random } from '../../../core/index.ts';
import { sampleRandom } from '../../dataset.ts';
import type { Sample, SampleMoment } from '../../samples.ts';
import type { ColumnOptions } from '../column-row.ts';
import type { SourceDescription } from '../description.ts';
import type { Row } from '../row.ts';
import type { PictureFolder } from './pictures.ts';

/** What a row's parser needs of a description. */
export function columnOptions({ columns, questions }: SourceDescription): ColumnOptions {
  const named = Object.entries(columns ?? {}).filter(([, name]) => name !== undefined);
  return {
    ...(named.length === 0 ? {} : { columns: Object.fromEntries(named) }),
    ...(questions === undefined ? {} : { questions }),
  };
}

/** Draws for a sample, the same in every process. */
export function drawsOf(moment: SampleMoment, index: number): Random {
  return sampleRandom(moment.seed, moment.epoch, index).fork('row');
}

/** A row as a sample. @param name what it is called where it has no name of its own */
export function rowSample(row: Row, folder: PictureFolder, name: string): Sample {
  return {
    id: row.id ?? name,
    pictures: row.pictures.map((each) => folder.picture(each, name)),
    conversations: row.conversations,
  };
}
