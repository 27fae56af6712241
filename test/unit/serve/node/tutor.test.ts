import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { LanguageModel } from '../../../../src/auto/index.ts';
import { DataError, TrainingError } from '../../../../src/core/index.ts';
import { type Picture, picture } from '../../../../src/data/index.ts';
import { readPicture } from '../../../../src/data/node/index.ts';
import { openTutor } from '../../../../src/serve/node/index.ts';
import { temporaryFolder } from '../../hub/node/temporary.ts';

const scratch = temporaryFolder();
const model = { name: 'starter' } as LanguageModel;
const lesson = (name: string, ...examples: { picture: Picture; text: string }[]) => ({
  base: 'owner/model',
  model,
  name,
  examples: (async function* () {
    yield* examples;
  })(),
});
const example = { picture: picture(3, 2, 3), text: 'a cup' };

it('writes a lesson with pictures of a bounded size, and removes it', async () => {
  const folder = join(scratch, 'a');
  const tutor = await openTutor({ folder });
  const large = { picture: picture(3000, 10, 3), text: 'a line' };
  const written = await tutor.write(lesson('cups', example, large));
  const [name] = readdirSync(folder);
  const data = join(folder, name!, 'data');
  const rows = readFileSync(join(data, 'data.jsonl'), 'utf8').trim().split('\n');
  expect(rows).toHaveLength(12);
  expect(JSON.parse(rows[6]!)).toMatchObject({
    image: '001.png',
    conversations: [{ from: 'human' }, { from: 'gpt', value: 'a line' }],
  });
  const { width, height } = await readPicture(join(data, '001.png'));
  expect([width, height]).toEqual([1024, 3]);
  await written.discard();
  expect(readdirSync(folder)).toEqual([]);
  await tutor.dispose();
  expect(existsSync(folder)).toBe(true);
});

it('leaves nothing of a lesson whose picture cannot be read', async () => {
  const folder = join(scratch, 'b');
  const tutor = await openTutor({ folder });
  const examples = (async function* () {
    yield example;
    throw new DataError('the picture is damaged');
  })();
  await expect(tutor.write({ ...lesson('cups'), examples })).rejects.toThrow('the picture is damaged');
  expect(readdirSync(folder)).toEqual([]);
  await tutor.dispose();
});

it('does not take the name of an adapter that is there', async () => {
  const folder = join(scratch, 'c');
  mkdirSync(join(folder, 'owner--model', 'cups'), { recursive: true });
  const tutor = await openTutor({ folder });
  await expect(tutor.write(lesson('cups', example))).rejects.toThrow(
    /there is an adapter cups of owner\/model already/,
  );
  expect(readdirSync(folder)).toEqual(['owner--model']);
  await tutor.dispose();
});

it('says what failed, but not where', async () => {
  const folder = join(scratch, 'd');
  const faults: Error[] = [
    new TrainingError(`${folder}/x cannot be written: ENOSPC`, 'check the disk'),
    Object.assign(new Error(`ENOSPC: no space left on device, write '${folder}/x'`), { syscall: 'write' }),
  ];
  for (const fault of faults) {
    const tutor = await openTutor({ folder, teach: () => Promise.reject(fault) });
    const written = await tutor.write(lesson('cups', example));
    const how = { seconds: 5, signal: new AbortController().signal, onProgress: () => {} };
    const error = await written.teach(how).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TrainingError);
    expect((error as TrainingError).message).toMatch(/ENOSPC/);
    expect((error as TrainingError).message).not.toContain(folder);
    await tutor.dispose();
    expect(readdirSync(folder)).toEqual([]);
  }
});

it('removes what processes left that were killed, and nothing of those that live', async () => {
  const folder = join(scratch, 'e');
  // A process that has ended for certain.
  const dead = execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }).trim();
  for (const name of [`.lesson-${dead}-aaaaaa`, `.lesson-${process.pid}-bbbbbb`, 'owner--model'])
    mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, `.lesson-${dead}-aaaaaa`, 'x'), '');
  const tutor = await openTutor({ folder });
  expect(readdirSync(folder)).toEqual([`.lesson-${process.pid}-bbbbbb`, 'owner--model']);
  await tutor.dispose();
});

it('has a folder of its own that goes away, and refuses one that cannot be', async () => {
  const seen: string[] = [];
  const tutor = await openTutor({
    teach: ({ output }) => {
      seen.push(join(output, '..', '..'));
      return Promise.reject(new TrainingError('no'));
    },
  });
  const written = await tutor.write(lesson('cups', example));
  await expect(
    written.teach({ seconds: 5, signal: new AbortController().signal, onProgress: () => {} }),
  ).rejects.toThrow('no');
  expect(existsSync(seen[0]!)).toBe(true);
  await tutor.dispose();
  expect(existsSync(seen[0]!)).toBe(false);
  const file = join(scratch, 'file');
  writeFileSync(file, '');
  await expect(openTutor({ folder: join(file, 'in') })).rejects.toThrow(/cannot be made/);
});
