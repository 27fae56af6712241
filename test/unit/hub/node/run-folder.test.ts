import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CheckpointError, hostTensor, Random } from '../../../../src/core/index.ts';
import { RunFolder } from '../../../../src/hub/node/run-folder.ts';
import type { CheckpointContents } from '../../../../src/hub/node/run-folder.ts';
import { tensorSources } from '../../../../src/hub/node/safetensors-file.ts';
import { temporaryFolder } from './temporary.ts';

const root = temporaryFolder();

function contents(step: number, mark = step): CheckpointContents {
  const weights = hostTensor(
    'float32',
    [64],
    Float32Array.from({ length: 64 }, (_, i) => i * mark),
  );
  return {
    state: {
      step,
      epoch: 1,
      data: { position: step * 8, order: [3, 1, 2] },
      random: { dropout: [1, 2, 3, 4294967295] },
      extra: { mark },
    },
    model: tensorSources([['w', weights]]),
    optimizer: tensorSources([['w.m', weights]]),
  };
}

describe('saving', () => {
  it('keeps the last ones and gives the newest back whole', async () => {
    const run = await RunFolder.open(join(root, 'a'), { keep: 2 });
    expect(await run.latest()).toBeUndefined();
    for (const step of [10, 20, 30]) await run.save(contents(step));
    expect(readdirSync(run.path).sort()).toEqual(['step-000020', 'step-000030']);
    const latest = (await run.latest())!;
    expect(latest.state).toEqual(contents(30).state);
    expect((await latest.readModel()).get('w')!.data[1]).toBe(30);
    expect((await latest.readOptimizer()).get('w.m')!.data[2]).toBe(60);
  });

  it('replaces a checkpoint of the same step', async () => {
    const run = await RunFolder.open(join(root, 'same'), { keep: 2 });
    await run.save(contents(5, 1));
    await run.save(contents(5, 2));
    expect(readdirSync(run.path)).toEqual(['step-000005']);
    expect((await run.latest())!.state.extra).toEqual({ mark: 2 });
  });

  it('removes checkpoints of later steps, which belong to an abandoned course', async () => {
    const run = await RunFolder.open(join(root, 'back'), { keep: 3 });
    for (const step of [1, 2, 3]) await run.save(contents(step));
    await run.save(contents(2, 9));
    expect(await run.steps()).toEqual([2, 1]);
  });

  it('leaves earlier ones, and nothing else, when it fails', async () => {
    const run = await RunFolder.open(join(root, 'failing'));
    await run.save(contents(1));
    const failing = { name: 'w', dtype: 'int8', shape: [1], read: () => Promise.reject(new Error('gone')) } as const;
    await expect(run.save({ ...contents(2), optimizer: [failing] })).rejects.toThrow('gone');
    expect(readdirSync(run.path)).toEqual(['step-000001']);
  });

  it('refuses a state that JSON would change', async () => {
    const run = await RunFolder.open(join(root, 'json'));
    for (const value of [Number.NaN, Infinity, 1n, undefined, new Map(), Float32Array.of(1)]) {
      const wrong = { ...contents(1).state, extra: { a: [value] } } as unknown as CheckpointContents['state'];
      await expect(run.save({ ...contents(1), state: wrong })).rejects.toThrow(/cannot save state.extra.a.0/);
    }
    expect(readdirSync(run.path)).toEqual([]);
  });

  it('a folder where none can be made', async () => {
    writeFileSync(join(root, 'file'), '');
    await expect(RunFolder.open(join(root, 'file', 'run'))).rejects.toThrow(CheckpointError);
  });
});

describe('after an interruption', () => {
  it('a process that was killed while it wrote leaves nothing that counts, and its leftovers go', async () => {
    const path = join(root, 'killed');
    await (await RunFolder.open(path)).save(contents(1));
    // What is there when a process dies while writing, and while removing. No process has a number so large.
    for (const ending of ['tmp', 'trash']) {
      const leftover = join(path, `.step-000002.99999999-abcdef.${ending}`);
      mkdirSync(leftover);
      copyFileSync(join(path, 'step-000001', 'model.safetensors'), join(leftover, 'model.safetensors'));
    }
    mkdirSync(join(path, `.step-000002.${process.ppid}-abcdef.tmp`));
    const run = await RunFolder.open(path);
    expect(readdirSync(path).sort()).toEqual([`.step-000002.${process.ppid}-abcdef.tmp`, 'step-000001']);
    expect((await run.latest())!.state.step).toBe(1);
  });

  it('a process that was killed between two renames leaves the one that was being replaced', async () => {
    const run = await RunFolder.open(join(root, 'between'));
    await run.save(contents(3, 1));
    cpSync(join(run.path, 'step-000003'), join(run.path, 'step-000003.old'), { recursive: true });
    rmSync(join(run.path, 'step-000003'), { recursive: true });
    expect((await run.latest())!.state.extra).toEqual({ mark: 1 });
    await run.save(contents(3, 2));
    expect(readdirSync(run.path)).toEqual(['step-000003']);
    expect((await run.latest())!.state.extra).toEqual({ mark: 2 });
  });
});

describe('damage', () => {
  const files = ['model.safetensors', 'optimizer.safetensors', 'state.json'];

  it('truncation at every kind of place, and absence, lead to the checkpoint before', async () => {
    const run = await RunFolder.open(join(root, 'truncated'));
    await run.save(contents(1));
    await run.save(contents(2));
    const good = join(root, 'truncated-good');
    cpSync(join(run.path, 'step-000002'), good, { recursive: true });
    for (const file of files) {
      const size = readFileSync(join(good, file)).length;
      for (const length of [0, 1, 7, 8, 9, 50, Math.floor(size / 2), size - 1, undefined]) {
        cpSync(good, join(run.path, 'step-000002'), { recursive: true });
        const path = join(run.path, 'step-000002', file);
        if (length === undefined) rmSync(path);
        else truncateSync(path, length);
        const ignored: string[] = [];
        const latest = await run.latest((folder, reason) => ignored.push(`${folder}: ${reason}`));
        expect(latest!.state.step, `${file} cut to ${length}`).toBe(1);
        expect(ignored).toHaveLength(1);
        expect(ignored[0]).toContain('step-000002');
      }
    }
    expect(existsSync(join(run.path, 'step-000002'))).toBe(true);
  });

  it('200 mutated checkpoints: the one before, or equal contents', async () => {
    const run = await RunFolder.open(join(root, 'mutated'));
    await run.save(contents(1));
    await run.save(contents(2));
    const folder = join(run.path, 'step-000002');
    const originals = new Map(files.map((file) => [file, readFileSync(join(folder, file))]));
    const random = new Random(3);
    let refused = 0;
    for (let round = 0; round < 200; round++) {
      const file = random.pick(files);
      const bytes = Buffer.from(originals.get(file)!);
      for (let i = 0; i <= random.integer(3); i++) bytes[random.integer(bytes.length)] = random.integer(256);
      writeFileSync(join(folder, file), bytes);
      const latest = (await run.latest())!;
      if (latest.state.step === 1) refused++;
      else expect(latest.state).toEqual(contents(2).state);
      writeFileSync(join(folder, file), originals.get(file)!);
    }
    expect(refused).toBeGreaterThan(190);
    expect((await run.latest())!.state.step).toBe(2);
  });

  it('a folder that was renamed to another step', async () => {
    const run = await RunFolder.open(join(root, 'renamed'));
    await run.save(contents(1));
    cpSync(join(run.path, 'step-000001'), join(run.path, 'step-000009'), { recursive: true });
    expect((await run.latest())!.state.step).toBe(1);
  });
});
