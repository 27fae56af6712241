/** Keys that clients show, and what each of them may use. */
import { DataError } from '../../core/index.ts';
import type { QuotaLimits } from './quotas.ts';

/** A key, without the key. */
export interface ApiKey {
  /** How logs and metrics call its owner. */
  readonly name: string;
  /** What it may use; where nothing is said, what the server gives to all. */
  readonly limits: QuotaLimits;
}

interface KnownKey extends ApiKey {
  /** SHA-256 of the key, 32 bytes. */
  readonly digest: Uint8Array;
}

/** Shorter ones could be guessed: nothing slows down whoever tries. */
const SHORTEST_KEY = 20;
const LONGEST_KEY = 512;
const MAX_KEYS = 10_000;

/** The keys of a server. It keeps their hashes alone. */
export class ApiKeys {
  readonly #keys: readonly KnownKey[];

  private constructor(keys: readonly KnownKey[]) {
    this.#keys = keys;
  }

  /**
   * Reads keys from a text with one on each line:
   *
   *     # name  key, or its SHA-256  limits
   *     alice   a-long-random-secret-0001
   *     bob     sha256:6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090 requests=60 tokens=20000
   *
   * `requests` and `tokens` are for a minute.
   * @param where how errors call the text  @throws DataError naming the line, never what a key is
   */
  static async parse(text: string, where: string): Promise<ApiKeys> {
    const keys: KnownKey[] = [];
    for (const [i, line] of text.split(/\r?\n/).entries()) {
      const words = line
        .replace(/(^|\s)#.*$/, '')
        .trim()
        .split(/\s+/);
      if (words[0] === '') continue;
      if (keys.length === MAX_KEYS) throw new DataError(`${where} has more than ${MAX_KEYS} keys`, 'remove some');
      const key = await parseLine(words, `${where}, line ${i + 1}`);
      const twin = keys.find(({ name, digest }) => name === key.name || sameBytes(digest, key.digest));
      if (twin !== undefined)
        throw new DataError(
          `${where}, line ${i + 1}: ${twin.name === key.name ? `a second key named ${key.name}` : `the same key as of ${twin.name}`}`,
          'give every owner a name and a key of its own',
        );
      keys.push(key);
    }
    if (keys.length === 0)
      throw new DataError(
        `${where} has no keys`,
        'write a name and a key on a line; `openssl rand -hex 32` makes keys',
      );
    return new ApiKeys(keys);
  }

  get size(): number {
    return this.#keys.length;
  }

  /**
   * The key that a request shows in its `Authorization` header, in time that does not depend on how much of a key is right:
   * hashes are compared, each with all of its bytes and with every key.
   */
  async find(authorization: string | undefined): Promise<ApiKey | undefined> {
    const shown = /^Bearer +([!-~]{1,512})$/i.exec(authorization ?? '')?.[1];
    if (shown === undefined) return undefined;
    const digest = await sha256(shown);
    let found: KnownKey | undefined;
    for (const key of this.#keys) if (sameBytes(key.digest, digest)) found = key;
    return found === undefined ? undefined : { name: found.name, limits: found.limits };
  }
}

async function parseLine([name = '', key = '', ...limits]: readonly string[], where: string): Promise<KnownKey> {
  if (!/^[\w.-]{1,64}$/.test(name))
    throw new DataError(`${where}: the name is wrong`, 'use up to 64 letters, digits and . _ -');
  return { name, digest: await digestOf(key, where), limits: parseLimits(limits, where) };
}

async function digestOf(key: string, where: string): Promise<Uint8Array> {
  const hash = /^sha256:([0-9a-f]{64})$/i.exec(key)?.[1];
  if (hash !== undefined) return Uint8Array.from(hash.match(/../g)!, (byte) => Number.parseInt(byte, 16));
  if (key.startsWith('sha256:'))
    throw new DataError(`${where}: the hash is wrong`, 'write sha256: and 64 hexadecimal digits');
  if (key.length < SHORTEST_KEY || key.length > LONGEST_KEY || !/^[!-~]+$/.test(key))
    throw new DataError(
      `${where}: a key has ${SHORTEST_KEY} to ${LONGEST_KEY} characters of ASCII`,
      '`openssl rand -hex 32` makes one',
    );
  return sha256(key);
}

function parseLimits(words: readonly string[], where: string): QuotaLimits {
  const limits: { requests?: number; tokens?: number } = {};
  for (const word of words) {
    const [, what, number] = /^(requests|tokens)=([1-9]\d{0,11})$/.exec(word) ?? [];
    if (what === undefined)
      throw new DataError(`${where}: a limit is wrong`, 'write requests=60 or tokens=20000, for a minute');
    limits[what as 'requests' | 'tokens'] = Number(number);
  }
  return limits;
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
}

/** Looks at all bytes, wherever the first difference is. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i % b.length]!;
  return difference === 0;
}
