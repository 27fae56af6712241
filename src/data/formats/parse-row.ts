import { DataError, type Random } from '../../core/index.ts';
import { ANSWER_COLUMNS, type ColumnOptions, CAPTION_COLUMNS, findColumn, QUESTION_COLUMNS } from './column-row.ts';
import { parseCaptionRow, parseQuestionRow, parseTextsRow } from './column-row.ts';
import { parseConversationRow } from './conversation-row.ts';
import { asObject, type PictureReference, type RawRow, type Row } from './row.ts';

/** What kind of row a file has; all rows of a file have one. */
export type RowForm = 'conversation' | 'texts' | 'question' | 'caption';

/**
 * The form of a file by one of its rows.
 * @throws DataError naming the columns that are there
 */
export function detectForm(value: unknown, { columns = {} }: ColumnOptions = {}): RowForm {
  const row = asObject(value, 'the row');
  // Columns that were named count first, since somebody said so.
  if (columns.caption !== undefined) return 'caption';
  if (columns.question !== undefined || columns.answer !== undefined) return 'question';
  if (Array.isArray(row['conversations']) || Array.isArray(row['messages'])) return 'conversation';
  if (Array.isArray(row['texts'])) return 'texts';
  const has = (usual: readonly string[]): boolean => findColumn(row, undefined, usual) !== undefined;
  if (has(QUESTION_COLUMNS) && has(ANSWER_COLUMNS)) return 'question';
  if (has(CAPTION_COLUMNS)) return 'caption';
  const keys = Object.keys(row);
  throw new DataError(
    `the columns ${keys.slice(0, 20).join(', ') || '(none)'} say nothing that can be learned`,
    'rows have conversations (LLaVA, ShareGPT), messages (OpenAI), texts, question and answer, or caption; name other columns by --question, --answer, --caption',
  );
}

/**
 * A row of any form.
 * @param random decides what is drawn, such as one of several captions
 * @param pictures given elsewhere; those of the row unless told
 * @throws DataError naming the key that is wrong
 */
export function parseRow(
  value: unknown,
  form: RowForm,
  options: ColumnOptions,
  random: Random,
  pictures?: readonly PictureReference[],
): Row {
  const row: RawRow = asObject(value, 'the row');
  if (form === 'conversation') return parseConversationRow(row, pictures);
  if (form === 'texts') return parseTextsRow(row, options, pictures);
  if (form === 'question') return parseQuestionRow(row, options, pictures);
  return parseCaptionRow(row, options, random, pictures);
}
