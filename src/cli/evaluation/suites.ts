import { DataError } from '../../core/index.ts';
import type { PictureSuite } from '../../eval/index.ts';
import type { DataLicence } from '../../eval/report/index.ts';

export const SUITE_NAMES = ['emoji-scenes', 'vqa-jsonl'] as const;

/** Which questions, as the command line says it. */
export interface SuiteFlags {
  readonly suite: (typeof SUITE_NAMES)[number];
  readonly studio?: 'openmoji' | 'seen';
  readonly data?: string;
  readonly count?: number;
  readonly seed?: number;
  readonly brief?: boolean;
  readonly names?: number;
}

/** Questions that are ready to be asked. */
export interface OpenSuites {
  readonly main: PictureSuite;
  /** A fifth as much with drawings that the model may have been trained on, to be asked besides. */
  readonly seen?: PictureSuite;
  /** Whether the suite has bars. */
  readonly bars: boolean;
  /** What the questions are made of, for the summary. */
  readonly about: Readonly<Record<string, string | number>>;
  readonly licences: readonly DataLicence[];
  readonly caveats: readonly string[];
}

const DRAWINGS: readonly DataLicence[] = [
  { name: 'OpenMoji', licence: 'CC-BY-SA-4.0', use: 'test pictures only', url: 'https://openmoji.org' },
  { name: 'Noto Emoji', licence: 'Apache-2.0', use: 'pictures by studios that were trained on', credit: 'Google' },
  {
    name: 'Twemoji',
    licence: 'CC-BY-4.0',
    use: 'pictures by studios that were trained on',
    credit: 'Twitter and others',
  },
  { name: 'Fluent Emoji', licence: 'MIT', use: 'pictures by studios that were trained on', credit: 'Microsoft' },
  { name: 'emojibase-data', licence: 'MIT', use: 'names in English and Chinese' },
];

const BRIEFLY = 'Answer the question using a single word or phrase.';
const MAX_COUNT = 1_000_000;

/** @throws DataError for flags that do not fit the suite, and as the suites */
export async function openSuites(flags: SuiteFlags): Promise<OpenSuites> {
  const { count, seed } = flags;
  if (count !== undefined && !(Number.isInteger(count) && count >= 1 && count <= MAX_COUNT))
    throw new DataError(`--count is ${count}`, `give a whole number from 1 to ${MAX_COUNT}`);
  if (seed !== undefined && !Number.isSafeInteger(seed))
    throw new DataError(`--seed is ${seed}`, 'give a whole number');
  return flags.suite === 'emoji-scenes' ? emojiScenes(flags) : vqaJsonl(flags);
}

/** The unseen studio with the others beside it, or one of both. */
async function emojiScenes({ data, brief, count, seed, studio, names }: SuiteFlags): Promise<OpenSuites> {
  if (data !== undefined || brief === true)
    throw new DataError('--data and --brief belong to vqa-jsonl', 'leave them out');
  if (names !== undefined && !(Number.isInteger(names) && names >= 1))
    throw new DataError(`--names is ${names}`, 'give a whole number from 1 up');
  const { openEmojiScenes, SUITE_STUDIOS } = await import('../../eval/node/index.ts');
  const { defaultCacheFolder } = await import('../../recipe/node/index.ts');
  const options = {
    cacheFolder: defaultCacheFolder(),
    ...(count === undefined ? {} : { count }),
    ...(seed === undefined ? {} : { seed }),
    ...(names === undefined ? {} : { names }),
  };
  const main = await openEmojiScenes(studio ?? 'openmoji', options);
  return {
    main,
    ...(studio === undefined ? { seen: await openEmojiScenes('seen', aFifth(options, main)) } : {}),
    // The bars are those of drawings by hands that the model has not seen.
    bars: studio !== 'seen',
    about: {
      studio: SUITE_STUDIOS[studio ?? 'openmoji'].join(', '),
      seed: seed ?? 0,
      scenes: new Set(main.questions!.map(({ picture }) => picture)).size,
      questions: main.questions!.length,
    },
    licences: DRAWINGS,
    caveats: [
      'Drawings on plain backgrounds: nothing here says anything about photographs.',
      'Answers are compared with one wording. A right answer in other words counts as wrong.',
    ],
  };
}

/** What stands beside the figures may be less exact than they are. */
function aFifth<T extends object>(
  options: T,
  { questions, names }: PictureSuite,
): T & { count: number; names: number } {
  const part = (items: readonly unknown[] | undefined): number => Math.max(1, Math.ceil((items?.length ?? 0) / 5));
  // Each name is asked in two languages.
  return { ...options, count: part(questions), names: Math.ceil(part(names) / 2) };
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
