/** What the lists of mutations in this folder are made of. */
import type { Random } from '../../src/core/index.ts';

/** A file of a folder: its bytes or its text, or something that is not an ordinary file. */
export type Contents =
  | Uint8Array
  | string
  | { readonly link: string }
  | { readonly pipe: true }
  | { readonly folder: true }
  /** So many zeros that take no room on the disk. */
  | { readonly zeros: number };

/** Files by name. */
export type Files = Readonly<Record<string, Contents>>;

/** Changes to a folder; undefined takes a file away. */
export type Changes = Readonly<Record<string, Contents | undefined>>;

/**
 * What has to come of it. `refused`: a SensoriumError. `harmless`: it loads, and what was loaded is sound. `either`: one of
 * the two, for damage that may fall anywhere.
 */
export type Expectation = 'refused' | 'harmless' | 'either';

/** Damage to the folder of a model. */
export interface FolderMutation {
  readonly name: string;
  readonly expect: Expectation;
  readonly change: (files: Files, random: Random) => Changes;
}

/** A picture file that is not what it says. */
export interface PictureMutation {
  readonly name: string;
  readonly expect: Expectation;
  readonly make: (random: Random) => Uint8Array | Promise<Uint8Array>;
}

/** What became of one mutation. */
export type Verdict =
  | { readonly kind: 'refused'; readonly error: string; readonly message: string }
  | { readonly kind: 'loaded' }
  /** Another error than ours, or a result that is not sound. */
  | { readonly kind: 'fault'; readonly what: string };

export interface Outcome {
  readonly group: string;
  readonly name: string;
  readonly expect: Expectation;
  /** Beyond what the process itself says: it did not answer in time, or ended. */
  readonly verdict: Verdict | { readonly kind: 'hung' | 'crashed'; readonly what: string };
  readonly milliseconds: number;
  /** Highest resident memory of the process so far, and resident memory afterwards, in MiB. */
  readonly peak: number;
  readonly resident: number;
}

export function bytesOf(files: Files, name: string): Uint8Array {
  const contents = files[name];
  if (contents instanceof Uint8Array) return contents;
  if (typeof contents === 'string') return Buffer.from(contents);
  throw new Error(`${name} is not an ordinary file of the original`);
}

export function jsonOf(files: Files, name: string): Record<string, any> {
  return JSON.parse(Buffer.from(bytesOf(files, name)).toString()) as Record<string, any>;
}

/** Changes some bytes at random, each to another value. */
export function flip(
  bytes: Uint8Array,
  random: Random,
  count: number,
  from = 0,
  to: number = bytes.length,
): Uint8Array {
  // Not `slice`, which gives a view of a Buffer.
  const out = Uint8Array.from(bytes);
  for (let i = 0; i < count; i++) out[from + random.integer(to - from)]! ^= 1 + random.integer(255);
  return out;
}

/** Takes a few bytes out somewhere, or puts some in. */
export function splice(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.integer(bytes.length);
  const length = 1 + random.integer(8);
  if (random.integer(2) === 0) return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
  const more = Uint8Array.from({ length }, () => random.integer(256));
  return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);
}

/** The same mutation many times with other random numbers. */
export function repeat(
  count: number,
  name: string,
  expect: Expectation,
  change: FolderMutation['change'],
): FolderMutation[] {
  return Array.from({ length: count }, (_, i) => ({ name: `${name} ${i}`, expect, change }));
}
