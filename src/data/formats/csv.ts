import { DataError } from '../../core/index.ts';
import type { RawRow } from './row.ts';

const MAX_COLUMNS = 1000;

/** A row of a table and the line on which it begins. */
export interface CsvRow {
  readonly line: number;
  readonly row: RawRow;
}

/**
 * A table of values divided by commas (RFC 4180: quotes around values that hold commas, line ends or doubled quotes) whose
 * first row names the columns. Empty lines are left out.
 * @param file its name, for messages
 * @param divider between values
 * @throws DataError naming file and line
 */
export function parseCsv(text: string, file: string, divider: ',' | '\t' = ','): CsvRow[] {
  const rows: CsvRow[] = [];
  let header: readonly string[] | undefined;
  for (const { line, values } of valuesOf(text.replace(/^\uFEFF/, ''), file, divider)) {
    if (values.length === 1 && values[0] === '') continue;
    if (header === undefined) {
      header = values;
      const twice = values.find((name, i) => values.indexOf(name) !== i);
      if (values.length > MAX_COLUMNS || twice !== undefined)
        throw new DataError(
          `${file}:${line}: ${twice === undefined ? `${values.length} columns` : `two columns are called ${JSON.stringify(twice)}`}`,
          'name the columns in the first line',
        );
    } else {
      if (values.length !== header.length)
        throw new DataError(
          `${file}:${line}: ${values.length} values under ${header.length} columns`,
          'put values that hold the divider into quotes',
        );
      rows.push({ line, row: Object.fromEntries(header.map((name, i) => [name, values[i]!])) });
    }
  }
  return rows;
}

function* valuesOf(text: string, file: string, divider: string): Generator<{ line: number; values: string[] }> {
  let at = 0;
  let line = 1;
  while (at < text.length) {
    const first = line;
    const values: string[] = [];
    for (;;) {
      if (text[at] === '"') {
        let value = '';
        for (;;) {
          const end = text.indexOf('"', at + 1);
          if (end < 0)
            throw new DataError(`${file}:${first}: a quote is not closed`, 'double the quotes within a value');
          const piece = text.slice(at + 1, end);
          for (let i = piece.indexOf('\n'); i >= 0; i = piece.indexOf('\n', i + 1)) line++;
          value += piece;
          at = end + 1;
          if (text[at] !== '"') break;
          value += '"';
        }
        values.push(value);
        if (at < text.length && text[at] !== divider && text[at] !== '\n' && text[at] !== '\r')
          throw new DataError(`${file}:${line}: something follows a closed quote`, 'double the quotes within a value');
      } else {
        const start = at;
        while (at < text.length && text[at] !== divider && text[at] !== '\n' && text[at] !== '\r') at++;
        values.push(text.slice(start, at));
      }
      if (text[at] !== divider) break;
      at++;
      if (values.length > MAX_COLUMNS) throw new DataError(`${file}:${first}: more than ${MAX_COLUMNS} values`);
    }
    if (text[at] === '\r') at++;
    if (text[at] === '\n') at++;
    line++;
    yield { line: first, values };
  }
}
