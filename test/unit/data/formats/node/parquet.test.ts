import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataError, Random } from '../../../../../src/core/index.ts';
import { ParquetReader } from '../../../../../src/data/formats/node/parquet-reader.ts';
import { openSampleSource } from '../../../../../src/data/node/index.ts';

// Written by pyarrow, see test/parity/make/parquet.py.
const FIXTURES = fileURLToPath(new URL('../../../../parity/fixtures/parquet/', import.meta.url));
const NOW = { seed: 1, epoch: 0 };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sensorium-parquet-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('parquet files', () => {
  it('reads conversations with pictures, from any row group', async () => {
    const source = await openSampleSource({ path: join(FIXTURES, 'conversations.parquet') });
    expect(source).toMatchObject({ length: 7, blocks: [0, 3, 6] });
    for (const i of [6, 0, 4, 3, 5]) {
      const { id, pictures, conversations } = await source.sample(i, NOW);
      expect(id).toBe(`row-${i}`);
      expect(pictures.length).toBe(i === 3 ? 0 : 1);
      if (i !== 3) expect(await pictures[0]!.open()).toMatchObject({ width: i + 1, height: 3 });
      expect(conversations[0]![0]!.content.at(-1)).toEqual({ type: 'text', text: `Which colour, ${i}?` });
    }
    await source.close?.();
  });

  it('reads texts about several pictures, each a conversation of its own', async () => {
    const source = await openSampleSource({ path: join(FIXTURES, 'texts.parquet') });
    const { pictures, conversations } = await source.sample(0, NOW);
    expect(await Promise.all(pictures.map(async (each) => each.open()))).toMatchObject([{ width: 1 }, { width: 2 }]);
    expect(conversations.map(([user, assistant]) => [user!.content.length, assistant!.content[0]])).toEqual([
      [3, { type: 'text', text: 'red' }],
      [3, { type: 'text', text: 'green' }],
    ]);
    await source.close?.();
  });

  it('reads questions and the answer most people gave, and finds the pictures by their kind', async () => {
    const source = await openSampleSource({ path: join(FIXTURES, 'questions.parquet') });
    const { id, pictures, conversations } = await source.sample(0, NOW);
    expect(id).toBe('7');
    expect(conversations[0]![1]!.content).toEqual([{ type: 'text', text: 'red' }]);
    expect(await pictures[0]!.open()).toMatchObject({ width: 1 });
    await source.close?.();
    await expect(
      openSampleSource({ path: join(FIXTURES, 'questions.parquet'), columns: { image: 'pic' } }),
    ).rejects.toThrow(/no column pic.*\n.*question_id, photo/);
  });

  it('ends reading where a file asks for billions of values, and goes on', async () => {
    await expect(openSampleSource({ path: join(FIXTURES, 'bomb-size.parquet') })).rejects.toThrow(
      /a page of 2147483647 bytes, more than/,
    );
    await expect(openSampleSource({ path: join(FIXTURES, 'bomb-gzip.parquet') })).rejects.toThrow(
      /bomb-gzip\.parquet: /,
    );
    const reader = await ParquetReader.open(join(FIXTURES, 'bomb-run.parquet'), 4);
    await expect(reader.rows(0, 1, ['caption'], 100)).rejects.toThrow(/more than 512 MiB|more than 5 seconds/);
    // A process that was ended is followed by another.
    await expect(reader.rows(0, 1, [], 0)).resolves.toHaveLength(1);
    await reader.close();
  });

  it('refuses damaged files with an error and never otherwise', async () => {
    const good = await readFile(join(FIXTURES, 'conversations.parquet'));
    const path = join(folder, 'damaged.parquet');
    const random = new Random(5);
    for (let round = 0; round < 6; round++) {
      const bytes = Buffer.from(good);
      for (let i = 0; i < 4; i++) bytes[random.integer(bytes.length)] = random.integer(256);
      await writeFile(path, round % 3 === 0 ? bytes.subarray(0, random.integer(bytes.length)) : bytes);
      try {
        const reader = await ParquetReader.open(path, 2);
        try {
          await reader.rows(0, 7, ['id', 'image', 'conversations'], 0);
        } finally {
          await reader.close();
        }
      } catch (error) {
        expect(error).toBeInstanceOf(DataError);
      }
    }
  }, 60_000);
});
