import { DataError } from '../../core/index.ts';
import type { PictureSuite } from '../../eval/index.ts';
import type { DataLicence } from '../../eval/report/index.ts';

export const SUITE_NAMES = ['vqa-jsonl'] as const;

/** Which questions, as the command line says it. */
export interface SuiteFlags {
  readonly suite: (typeof SUITE_NAMES)[number];
  readonly studio?: 'openmoji' | 'seen';
  readonly data?: string;
  readonly count?: number;
  readonly seed?: number;
  readonly brief?: boolean;
}

/** Questions that are ready to be asked. */
export interface OpenSuites {
  readonly main: PictureSuite;
  /** The same with drawings that the model may have been trained on, to be asked besides. */
  readonly seen?: PictureSuite;
  /** Whether the suite has bars. */
  readonly bars: boolean;
  /** What the questions are made of, for the summary. */
  readonly about: Readonly<Record<string, string | number>>;
  readonly licences: readonly DataLicence[];
  readonly caveats: readonly string[];
}

const BRIEFLY = 'Answer the question using a single word or phrase.';
const MAX_COUNT = 1_000_000;

/** @throws DataError for flags that do not fit the suite, and as the suites */
export async function openSuites(flags: SuiteFlags): Promise<OpenSuites> {
  const { count, seed } = flags;
  if (count !== undefined && !(Number.isInteger(count) && count >= 1 && count <= MAX_COUNT))
    throw new DataError(`--count is ${count}`, `give a whole number from 1 to ${MAX_COUNT}`);
  if (seed !== undefined && !Number.isSafeInteger(seed))
    throw new DataError(`--seed is ${seed}`, 'give a whole number');
  return vqaJsonl(flags);
}

async function vqaJsonl({ data, count, seed, brief, studio }: SuiteFlags): Promise<OpenSuites> {
  if (data === undefined) throw new DataError('there are no questions', 'give --data FILE.jsonl');
  if (studio !== undefined) throw new DataError('--studio belongs to emoji-scenes', 'leave it out');
  const { openVqaJsonl } = await import('../../eval/node/index.ts');
  const main = await openVqaJsonl(data, {
    ...(count === undefined ? {} : { count }),
    ...(seed === undefined ? {} : { seed }),
    ...(brief === true ? { instruction: BRIEFLY } : {}),
  });
  return {
    main,
    bars: false,
    about: { data, questions: main.questions!.length, ...(seed === undefined ? {} : { seed }) },
    licences: [],
    caveats: ['Answers are compared word for word, so that a right answer in other words counts as wrong.'],
  };
}
