/** Rows that hold a question and its answer, a caption, or several questions (`texts`, as The Cauldron has them) in columns. */
import { DataError, type Random } from '../../core/index.ts';
import type { SamplePart, SampleTurn } from '../samples.ts';
import { splitMarkers } from './markers.ts';
import { pictureReferences } from './picture-reference.ts';
import { asList, asObject, asText, MAX_TURNS, type PictureReference, type RawRow, type Row, rowId } from './row.ts';

/** Which column says what, where the usual names do not fit. */
export interface ColumnNames {
  readonly image?: string;
  readonly question?: string;
  readonly answer?: string;
  readonly caption?: string;
}

/** Names that data sets use, the first that is there counts. */
export const QUESTION_COLUMNS: readonly string[] = ['question', 'query', 'prompt', 'instruction', 'problem'];
export const ANSWER_COLUMNS: readonly string[] = [
  'answer',
  'answers',
  'multiple_choice_answer',
  'label',
  'response',
  'output',
  'solution',
];
export const CAPTION_COLUMNS: readonly string[] = ['caption', 'captions', 'text', 'sentences', 'description', 'txt'];

/** What is asked where a data set has captions alone. */
export const CAPTION_QUESTION = 'Describe the picture.';

/** How rows become conversations. */
export interface ColumnOptions {
  readonly columns?: ColumnNames;
  /** Questions to which a caption is an answer, one drawn for each sample and pass; {@link CAPTION_QUESTION} unless told. */
  readonly questions?: readonly string[];
}

/** The column of a kind that a row has. */
export function findColumn(row: RawRow, told: string | undefined, usual: readonly string[]): string | undefined {
  if (told !== undefined) return told;
  return usual.find((name) => row[name] !== undefined && row[name] !== null);
}

/** Reads a question and its answer. @throws DataError naming the column */
export function parseQuestionRow(
  row: RawRow,
  { columns = {} }: ColumnOptions,
  pictures?: readonly PictureReference[],
): Row {
  const question = findColumn(row, columns.question, QUESTION_COLUMNS);
  const answer = findColumn(row, columns.answer, ANSWER_COLUMNS);
  if (question === undefined || answer === undefined)
    throw new DataError(
      `there is no column with ${question === undefined ? 'a question' : 'an answer'}`,
      `name it (columns: ${Object.keys(row).slice(0, 20).join(', ')})`,
    );
  const asked = asText(row[question], question);
  return withPictures(row, columns, pictures, [[asked, oneAnswer(row[answer], answer)]]);
}

/** Reads a picture with one caption or several, of which one is drawn. @throws DataError naming the column */
export function parseCaptionRow(
  row: RawRow,
  { columns = {}, questions = [CAPTION_QUESTION] }: ColumnOptions,
  random: Random,
  pictures?: readonly PictureReference[],
): Row {
  const column = findColumn(row, columns.caption, CAPTION_COLUMNS);
  if (column === undefined)
    throw new DataError(
      'there is no column with a caption',
      `name it (columns: ${Object.keys(row).slice(0, 20).join(', ')})`,
    );
  const question = questions.length === 0 ? '' : random.pick(questions);
  const value = row[column];
  const list = Array.isArray(value) ? asList(value, column, MAX_TURNS)! : [value];
  if (list.length === 0) throw new DataError(`${column} is empty`, 'give a caption');
  const picked = random.integer(list.length);
  const entry = list[picked];
  const key = Array.isArray(value) ? `${column}[${picked}]` : column;
  // COCO has { raw } in a list of sentences.
  const caption = typeof entry === 'object' && entry !== null ? asObject(entry, key)['raw'] : entry;
  return withPictures(row, columns, pictures, [[question, asText(caption, key)]]);
}

/** Reads `texts: [{ user, assistant }]`, each of them a conversation of its own. @throws DataError naming the key */
export function parseTextsRow(
  row: RawRow,
  { columns = {} }: ColumnOptions,
  pictures?: readonly PictureReference[],
): Row {
  const texts = asList(row['texts'], 'texts', MAX_TURNS);
  if (texts === undefined || texts.length === 0) throw new DataError('texts is empty', 'give at least one question');
  const pairs = texts.map((each, i): [string, string] => {
    const entry = asObject(each, `texts[${i}]`);
    return [asText(entry['user'], `texts[${i}].user`), asText(entry['assistant'], `texts[${i}].assistant`)];
  });
  return withPictures(row, columns, pictures, pairs);
}

function withPictures(
  row: RawRow,
  columns: ColumnNames,
  given: readonly PictureReference[] | undefined,
  pairs: readonly (readonly [question: string, answer: string])[],
): Row {
  const pictures = given ?? pictureReferences(row, columns.image);
  const images = pictures.map((_, picture): SamplePart => ({ type: 'image', picture }));
  const conversations = pairs.map(([question, answer]): SampleTurn[] => [
    { role: 'user', content: [...images, ...splitMarkers(question, undefined)] },
    { role: 'assistant', content: splitMarkers(answer, undefined) },
  ]);
  return { id: rowId(row), pictures, conversations };
}

/** An answer, or of several (as VQAv2 has ten people's) the one that is given most often, the first of equals. */
function oneAnswer(value: unknown, key: string): string {
  if (!Array.isArray(value)) return asText(value, key);
  const list = asList(value, key, MAX_TURNS)!;
  const texts = list.map((each, i) =>
    asText(typeof each === 'object' && each !== null ? asObject(each, `${key}[${i}]`)['answer'] : each, `${key}[${i}]`),
  );
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  const [best] = [...counts].sort(([, a], [, b]) => b - a);
  if (best === undefined) throw new DataError(`${key} is empty`, 'give an answer');
  return best[0];
}
