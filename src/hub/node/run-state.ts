/** `state.json` of a training checkpoint. It carries a hash of itself, so that a flipped bit in it is noticed too. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { CheckpointError } from '../../core/index.ts';
import { parseConfig } from '../parse.ts';
import { readJsonObject } from './json-file.ts';

const MAX_STATE_BYTES = 64 * 1024 * 1024;
const FORMAT = 1;

/** Anything that JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Where a run stands. */
export interface RunState {
  /** Updates done so far. */
  readonly step: number;
  /** Passes over the data begun so far, counting from 0. */
  readonly epoch: number;
  /** What the data loader needs to go on with the very next batch. */
  readonly data: Json;
  /** States of the random streams, by purpose. */
  readonly random: Readonly<Record<string, readonly number[]>>;
  /** Whatever else the trainer must know: best metric, time used, a hash of the recipe. */
  readonly extra: Json;
}

/** What tells whether a file is the one that was written. */
export interface FileHash {
  readonly bytes: number;
  readonly sha256: string;
}

const count = z.number().int().nonnegative();
const schema = z.strictObject({
  format: z.literal(FORMAT),
  state: z.strictObject({
    step: count,
    epoch: count,
    data: z.json(),
    random: z.record(z.string(), z.array(z.number())),
    extra: z.json(),
  }),
  files: z.record(z.string(), z.strictObject({ bytes: count, sha256: z.string().regex(/^[0-9a-f]{64}$/) })),
  sha256: z.string(),
});

/**
 * @throws CheckpointError when the state holds something that JSON would change silently (NaN, undefined, bigint)
 */
export function encodeRunState(state: RunState, files: Readonly<Record<string, FileHash>>): Uint8Array {
  checkJson(state, 'state');
  const body = { format: FORMAT, state, files };
  return new TextEncoder().encode(JSON.stringify({ ...body, sha256: hashOf(body) }, null, 1));
}

/** @throws CheckpointError when the file is absent, damaged, or of a format that this release does not know */
export async function readRunState(path: string): Promise<{ state: RunState; files: Record<string, FileHash> }> {
  const json = await readJsonObject(path, MAX_STATE_BYTES);
  const { sha256, ...body } = json;
  if (sha256 !== hashOf(body)) {
    throw new CheckpointError(`${path}: its contents have changed`, 'use another checkpoint of the run');
  }
  const { state, files } = parseConfig(schema, json, path);
  return { state: state as RunState, files };
}

function hashOf(body: unknown): string {
  return createHash('sha256').update(JSON.stringify(body)).digest('hex');
}

function checkJson(value: unknown, path: string): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number' && Number.isFinite(value)) return;
  if (Array.isArray(value)) return value.forEach((item, i) => checkJson(item, `${path}.${i}`));
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    for (const [key, item] of Object.entries(value)) checkJson(item, `${path}.${key}`);
    return;
  }
  const what = typeof value === 'number' ? String(value) : `a value of type ${typeof value}`;
  throw new CheckpointError(`cannot save ${path}: JSON cannot hold ${what}`);
}
