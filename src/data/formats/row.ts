/** What one row of a data file says, before its pictures are opened. */
import { DataError, SensoriumError } from '../../core/index.ts';
import type { SampleTurn } from '../samples.ts';

/** A path, a data URL or an address, or the bytes of a picture file with the name that it had. */
export type PictureReference = string | { readonly bytes: Uint8Array; readonly path: string | undefined };

/** A row understood. */
export interface Row {
  /** What the row calls itself. */
  readonly id: string | undefined;
  readonly pictures: readonly PictureReference[];
  /** As in a sample. */
  readonly conversations: readonly (readonly SampleTurn[])[];
}

/** A row as it was read, of unknown contents. */
export type RawRow = Readonly<Record<string, unknown>>;

/** Bounds on one row: what is beyond them is an accident or an attack. */
export const MAX_TURNS = 10_000;
export const MAX_PICTURES = 1000;
export const MAX_ROW_TEXT = 4_000_000;

/** An error with the place before it: `train.jsonl:7: messages[2].role is …`; the advice stays. */
export function atPlace(place: string, error: unknown): DataError {
  if (error instanceof SensoriumError) return new DataError(`${place}: ${error.said}`, error.hint, { cause: error });
  return new DataError(`${place}: ${error instanceof Error ? error.message : String(error)}`, undefined, {
    cause: error,
  });
}

/** The value as a list. `undefined` and `null` stay `undefined`. @throws DataError naming the key */
export function asList(value: unknown, key: string, most: number): readonly unknown[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw new DataError(`${key} is ${kindOf(value)}, not a list`, 'correct the row');
  if (value.length > most)
    throw new DataError(`${key} has ${value.length} entries, more than ${most}`, 'divide the row');
  return value as readonly unknown[];
}

/** The value as a text; numbers and truth values are written out. @throws DataError naming the key */
export function asText(value: unknown, key: string): string {
  if (typeof value === 'string') {
    if (value.length > MAX_ROW_TEXT)
      throw new DataError(`${key} has ${value.length} letters, more than ${MAX_ROW_TEXT}`, 'shorten it');
    return value;
  }
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  throw new DataError(`${key} is ${kindOf(value)}, not a text`, 'correct the row');
}

/** The value as an object. @throws DataError naming the key */
export function asObject(value: unknown, key: string): RawRow {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array))
    return value as RawRow;
  throw new DataError(`${key} is ${kindOf(value)}, not an object`, 'correct the row');
}

/** What a value is, in words for people. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Uint8Array) return 'bytes';
  return typeof value === 'string' ? 'a text' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** A row's own name. */
export function rowId(row: RawRow): string | undefined {
  const id = row['id'] ?? row['question_id'] ?? row['sample_id'];
  return typeof id === 'string' || typeof id === 'number' || typeof id === 'bigint' ? String(id) : undefined;
}
