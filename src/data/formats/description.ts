/** Where samples are and how they are read: plain data, so that a recipe can hold it and a worker can open it. */
import { z } from 'zod';
import { DataError } from '../../core/index.ts';

export const SAMPLE_FORMATS = ['json', 'parquet', 'webdataset', 'folder'] as const;

const name = z.string().min(1).max(200);

/** See {@link SourceDescription}. */
const schema = z.strictObject({
  path: z.string().min(1).max(4096),
  format: z.enum(SAMPLE_FORMATS).optional(),
  images: z.string().min(1).max(4096).optional(),
  columns: z
    .strictObject({
      image: name.optional(),
      question: name.optional(),
      answer: name.optional(),
      caption: name.optional(),
    })
    .optional(),
  questions: z.array(z.string().max(10_000)).max(1000).optional(),
  allowFetch: z.boolean().optional(),
  onBadSample: z.enum(['stop', 'skip']).optional(),
  weight: z.number().positive().finite().optional(),
});

/** Samples in a file or a folder. */
export interface SourceDescription {
  /** A file of JSON, JSON Lines, parquet, CSV or tar; several tars by `name-{000..012}.tar`; or a folder. */
  readonly path: string;
  /** Told by the names and beginnings of files unless given. `json` is LLaVA, ShareGPT and OpenAI, by list or by line. */
  readonly format?: (typeof SAMPLE_FORMATS)[number] | undefined;
  /** Folder that paths of pictures start from; that of the file unless told. No picture outside of it is opened. */
  readonly images?: string | undefined;
  /** Which column says what, where the usual names do not fit. */
  readonly columns?:
    | {
        readonly image?: string | undefined;
        readonly question?: string | undefined;
        readonly answer?: string | undefined;
        readonly caption?: string | undefined;
      }
    | undefined;
  /** What captions answer, one drawn for each sample and pass; "Describe the picture." unless told. */
  readonly questions?: readonly string[] | undefined;
  /** Whether pictures may be fetched from the web; not unless told. */
  readonly allowFetch?: boolean | undefined;
  /** What a sample that cannot be read does: ends the run with its place (unless told), or is replaced by the next one. */
  readonly onBadSample?: 'stop' | 'skip' | undefined;
  /** Share among several sources; their lengths unless told. */
  readonly weight?: number | undefined;
}

/** Checks a description from outside. @throws DataError naming the key */
export function parseDescription(value: unknown): SourceDescription {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const shown = result.error.issues.slice(0, 3).map(({ path, message }) => `${path.join('.') || 'source'}: ${message}`);
  throw new DataError(`the data source cannot be read: ${shown.join('; ')}`, 'correct it');
}
