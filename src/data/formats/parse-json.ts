import { DataError, scanJson } from '../../core/index.ts';

const MAX_DEPTH = 64;

/** Text from outside as JSON. @throws DataError when it is none or nested too deep */
export function parseJson(text: string): unknown {
  try {
    if (scanJson(text, MAX_DEPTH).depth > MAX_DEPTH) throw new SyntaxError(`nested more than ${MAX_DEPTH} deep`);
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message.slice(0, 200) : String(cause);
    throw new DataError(`not JSON (${message})`, 'one object a line, or one list of objects', { cause });
  }
}
