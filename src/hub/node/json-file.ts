import { readFile, stat } from 'node:fs/promises';
import { CheckpointError } from '../../core/index.ts';
import { scanJson } from '../../core/json.ts';
import { asCheckpointError } from './file-errors.ts';

const MAX_DEPTH = 64;

/** A parsed JSON object of unknown contents. */
export type JsonObject = Record<string, unknown>;

/**
 * Reads a JSON object.
 * @param maxBytes a longer file is refused before it is read
 * @throws CheckpointError when the file is absent, too long, not UTF-8, not JSON or not an object
 */
export async function readJsonObject(path: string, maxBytes: number): Promise<JsonObject> {
  const text = await readTextFile(path, maxBytes);
  let json: unknown;
  try {
    if (scanJson(text, MAX_DEPTH).depth > MAX_DEPTH) throw new SyntaxError(`nested more than ${MAX_DEPTH} deep`);
    json = JSON.parse(text);
  } catch (error) {
    throw new CheckpointError(
      `${path}: not JSON (${(error as Error).message.slice(0, 200)})`,
      'correct it or fetch it again',
      {
        cause: error,
      },
    );
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new CheckpointError(`${path}: not a JSON object`, 'correct it or fetch it again');
  }
  return json as JsonObject;
}

/**
 * Reads a text file.
 * @throws CheckpointError when it is absent, longer than `maxBytes`, or not UTF-8
 */
export async function readTextFile(path: string, maxBytes: number): Promise<string> {
  let bytes: Uint8Array;
  try {
    const { size } = await statFile(path);
    if (size > maxBytes) {
      throw new CheckpointError(`${path}: ${size} bytes; at most ${maxBytes} are read`, 'is this the right file?');
    }
    bytes = await readFile(path);
  } catch (error) {
    throw asCheckpointError(error, path);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new CheckpointError(`${path}: not UTF-8 text`, 'correct it or fetch it again', { cause });
  }
}

/** The size of a regular file. Pipes and devices are refused before opening them could block. */
export async function statFile(path: string): Promise<{ size: number }> {
  const found = await stat(path).catch((error: unknown) => {
    throw asCheckpointError(error, path);
  });
  if (!found.isFile()) throw new CheckpointError(`${path} is not a file`, 'name a file, not a folder or a device');
  return { size: found.size };
}
