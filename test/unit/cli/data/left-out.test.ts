import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { registerDuplicates } from '../../../../src/cli/commands/data/duplicates.ts';
import { LeftOut } from '../../../../src/cli/commands/data/left-out.ts';
import { DataError } from '../../../../src/core/index.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sensorium-left-out-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let told: string;
beforeEach(() => {
  told = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    told += String(text);
    return true;
  });
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(() => vi.restoreAllMocks());

describe('LeftOut', () => {
  it('says how many could not be read, and why the first of them could not', async () => {
    const leftOut = new LeftOut(true);
    expect(await leftOut.orNothing(async () => 7)).toBe(7);
    leftOut.report();
    expect(told).toBe('');
    for (let i = 0; i < 12; i++)
      expect(await leftOut.orNothing(() => Promise.reject(new DataError(`row ${i} is bad`)))).toBeUndefined();
    leftOut.report();
    expect(told).toMatch(/^12 left out:\n {2}row 0 is bad\n/);
    expect(told).toContain('row 9 is bad');
    expect(told).not.toContain('row 10 is bad');
  });

  it('lets through what may not be left out, and what is not about the data', async () => {
    const bad = (): Promise<never> => Promise.reject(new DataError('a bad row'));
    await expect(new LeftOut(false).orNothing(bad)).rejects.toThrow('a bad row');
    await expect(new LeftOut(true).orNothing(() => Promise.reject(new Error('a bug')))).rejects.toThrow('a bug');
  });
});

describe('data duplicates --skip-bad', () => {
  it('tells how many samples it left out', async () => {
    const row = (image?: string): string =>
      JSON.stringify({
        ...(image === undefined ? {} : { image }),
        conversations: [
          { from: 'human', value: 'What is it?' },
          { from: 'gpt', value: 'A cup.' },
        ],
      });
    const path = join(folder, 'rows.jsonl');
    await writeFile(path, `${row()}\n${row('missing.png')}\n${row()}\n`);
    const program = new Command();
    registerDuplicates(program);
    await program.parseAsync(['duplicates', path, '--skip-bad'], { from: 'user' });
    expect(told).toMatch(/1 left out:\n {2}.*missing\.png/);
    expect(told).toContain('1 of 2 samples are there already');
  });
});
