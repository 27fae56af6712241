import { DataError } from '../../core/index.ts';
import { DRAWING_SETS, LANGUAGES, type DrawingSet, type Language } from '../emoji/concepts.ts';
import { ICON_SETS } from '../emoji/icon-sets.ts';
import { QUESTION_KINDS, type QuestionKind } from './question.ts';

/**
 * Sets of emoji that scenes are made of unless told. Their licences allow weights that are trained on them to be shared; OpenMoji's
 * (CC-BY-SA) does not, and is for tests alone.
 */
export const TRAINING_SETS: readonly Exclude<DrawingSet, 'openmoji'>[] = [
  'noto',
  'noto-v1',
  'twemoji',
  'fluent-emoji-flat',
  'fluent-emoji-high-contrast',
  'emojione',
  'fxemoji',
  'streamline-emojis',
];

/** All that may be trained on: the sets above, and icons. */
export const OPEN_SETS: readonly Exclude<DrawingSet, 'openmoji'>[] = [...TRAINING_SETS, ...ICON_SETS];

/**
 * Code points of concepts that the starter is never shown, so that there is something left to teach it: avocado, otter,
 * accordion, tractor and bubble tea.
 */
export const WITHHELD_CONCEPTS: readonly string[] = ['1F951', '1F9A6', '1FA97', '1F69C', '1F9CB'];

/** Most rows of a crowd, which has as many columns. */
const CROWD_ROWS = 3;
/** Most regions of a scene: six drawings, a word and its six letters. */
export const MOST_REGIONS = 13;

/** How scenes are made. Plain data, so that it can be sent to a worker. */
export interface SceneOptions {
  /** Sets of drawings; each scene takes one of them, a part of the scenes several. */
  readonly sets: readonly DrawingSet[];
  /** Side of the pictures in pixels, 32 to 512; 112 unless told. */
  readonly size?: number;
  /** Side at which drawings are rendered and kept; 64 unless told. */
  readonly renderSize?: number;
  /** Folder for rendered drawings. */
  readonly cacheFolder?: string;
  /** Fewest and most drawings where there is neither one alone nor a crowd, 1 to 6; [1, 6] unless told. */
  readonly objects?: readonly [number, number];
  /** Smallest and largest side of a drawing, as parts of the picture's; [0.15, 0.4] unless told. */
  readonly side?: readonly [number, number];
  /** Whether few drawings may be larger than that: one up to 0.9; true unless told. */
  readonly fewAreBigger?: boolean;
  /** Part of the pictures that show a single drawing of any concept, also of those without a kind; 0.25 unless told. */
  readonly singles?: number;
  /**
   * Part of the other pictures that show a crowd: drawings of any concepts, each in a cell of its own, of which nothing but
   * existence, grounding, region and caption is asked; none unless told.
   */
  readonly crowds?: number;
  /** Fewest and most rows of a crowd, which has as many columns; [3, 3] unless told. */
  readonly crowdRows?: readonly [number, number];
  /** Part of the pictures of neither sort that also show a word or a number; 0.25 unless told. */
  readonly words?: number;
  /** Part of the pictures whose drawings come from different sets; 0.15 unless told. */
  readonly mixed?: number;
  /** Code points of concepts that are neither shown nor asked about; none unless told. */
  readonly without?: readonly string[];
  /** Whether drawings are turned, mirrored, tinted and inked a little; true unless told. */
  readonly vary?: boolean;
  /** Whether what varies has thick lines, few colours, and colours for ink, as studios differ; not unless told. */
  readonly restyle?: boolean;
  /** Languages of the questions; both unless told. */
  readonly languages?: readonly Language[];
  /** Questions about each picture; 10 unless told. */
  readonly questions?: number;
  /** Relative frequency of each kind of question, 0 for kinds left out of it. */
  readonly kinds?: Readonly<Partial<Record<QuestionKind, number>>>;
}

/** With every default filled in. */
export type FullSceneOptions = Required<Omit<SceneOptions, 'cacheFolder'>> & Pick<SceneOptions, 'cacheFolder'>;

const DEFAULTS: Omit<FullSceneOptions, 'sets'> = {
  size: 112,
  renderSize: 64,
  objects: [1, 6],
  side: [0.15, 0.4],
  fewAreBigger: true,
  singles: 0.25,
  crowds: 0,
  crowdRows: [CROWD_ROWS, CROWD_ROWS],
  words: 0.25,
  mixed: 0.15,
  without: [],
  vary: true,
  restyle: false,
  languages: LANGUAGES,
  questions: 10,
  kinds: Object.fromEntries(QUESTION_KINDS.map((kind) => [kind, 1])),
};

/** Fills in the defaults. @throws DataError naming the option that makes no sense */
export function fullSceneOptions(options: SceneOptions): FullSceneOptions {
  const full = { ...DEFAULTS, ...options };
  const refuse = (what: string, hint: string): never => {
    throw new DataError(`scenes cannot be made: ${what}`, hint);
  };
  const known: readonly string[] = DRAWING_SETS;
  if (full.sets.length === 0) refuse('no set of drawings is given', `choose among ${TRAINING_SETS.join(', ')}`);
  for (const set of full.sets)
    if (!known.includes(set)) refuse(`'${set.slice(0, 40)}' is no set of drawings`, `choose among ${known.join(', ')}`);
  if (!Number.isInteger(full.size) || full.size < 32 || full.size > 512)
    refuse(`a side of ${full.size} pixels`, 'give a whole number from 32 to 512');
  const [fewest, most] = full.objects;
  if (!Number.isInteger(fewest) || !Number.isInteger(most) || fewest < 1 || most > 6 || fewest > most)
    refuse(`${fewest} to ${most} drawings`, 'give two whole numbers from 1 to 6, the smaller one first');
  const rows = full.crowdRows;
  if (!rows.every(Number.isInteger) || rows[0] < 2 || rows[1] > CROWD_ROWS || rows[0] > rows[1])
    refuse(
      `crowds of ${rows.join(' to ')} rows`,
      `give two whole numbers from 2 to ${CROWD_ROWS}, the smaller one first`,
    );
  const [least, largest] = full.side;
  if (!(least >= 0.05 && largest <= 0.95 && least <= largest))
    refuse(
      `drawings of ${least} to ${largest} of the side`,
      'give two numbers from 0.05 to 0.95, the smaller one first',
    );
  if (most * least * least > 0.5)
    refuse(`${most} drawings of at least ${least} of the side do not fit`, 'ask for fewer or smaller ones');
  for (const key of ['singles', 'crowds', 'words', 'mixed'] as const)
    if (!(full[key] >= 0 && full[key] <= 1)) refuse(`${key} is ${full[key]}`, 'give a part from 0 to 1');
  if (!Number.isInteger(full.questions) || full.questions < 1 || full.questions > 100)
    refuse(`${full.questions} questions about a picture`, 'give a whole number from 1 to 100');
  if (full.languages.length === 0 || full.languages.some((language) => !LANGUAGES.includes(language)))
    refuse('the languages are not known', `choose among ${LANGUAGES.join(', ')}`);
  for (const kind of Object.keys(full.kinds))
    if (!(QUESTION_KINDS as readonly string[]).includes(kind))
      refuse(`'${kind.slice(0, 40)}' is no kind of question`, `choose among ${QUESTION_KINDS.join(', ')}`);
  if (!QUESTION_KINDS.some((kind) => (full.kinds[kind] ?? 0) > 0))
    refuse('no kind of question is asked', 'give at least one a weight above 0');
  return full;
}
