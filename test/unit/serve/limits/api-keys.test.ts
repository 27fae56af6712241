import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../../../src/core/index.ts';
import { ApiKeys } from '../../../../src/serve/limits/api-keys.ts';

const ALICE = 'alice-has-a-long-secret-1';
const BOB = 'bob-has-another-secret-22';
const hash = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

describe('ApiKeys', () => {
  it('finds the owner of a key, written out or as its hash', async () => {
    const keys = await ApiKeys.parse(
      `# owners\n\nalice ${ALICE}\r\nbob\t${hash(BOB)}  requests=60 tokens=20000 # a comment\n`,
      'keys.txt',
    );
    expect(keys.size).toBe(2);
    expect(await keys.find(`Bearer ${ALICE}`)).toEqual({ name: 'alice', limits: {} });
    expect(await keys.find(`bearer  ${BOB}`)).toEqual({ name: 'bob', limits: { requests: 60, tokens: 20_000 } });
  });

  it.each([
    undefined,
    '',
    ALICE,
    'Bearer',
    'Bearer ',
    `Basic ${ALICE}`,
    `Bearer ${ALICE}x`,
    `Bearer ${ALICE.slice(0, -1)}`,
    `Bearer ${ALICE} ${ALICE}`,
    `Bearer ${hash(ALICE)}`,
    `Bearer ${'x'.repeat(100_000)}`,
    'Bearer schlüssel-schlüssel-schlüssel',
  ])('knows no one by %.40s', async (header) => {
    const keys = await ApiKeys.parse(`alice ${ALICE}`, 'keys.txt');
    expect(await keys.find(header)).toBeUndefined();
  });

  it.each([
    ['', 'keys.txt has no keys'],
    ['# none', 'keys.txt has no keys'],
    ['alice', 'line 1: a key has 20'],
    ['alice short', 'line 1: a key has 20'],
    [`ali/ce ${ALICE}`, 'line 1: the name is wrong'],
    ['alice sha256:12', 'line 1: the hash is wrong'],
    [`alice ${ALICE} requests=0`, 'line 1: a limit is wrong'],
    [`alice ${ALICE} rows=3`, 'line 1: a limit is wrong'],
    [`alice ${ALICE}\nalice ${BOB}`, 'line 2: a second key named alice'],
    [`alice ${ALICE}\nbob ${hash(ALICE)}`, 'line 2: the same key as of alice'],
  ])('refuses %j, and shows no key', async (text, message) => {
    const failure = ApiKeys.parse(text, 'keys.txt');
    await expect(failure).rejects.toBeInstanceOf(DataError);
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toSatisfy((error: Error) => !/secret|short/.test(error.message));
  });
});
