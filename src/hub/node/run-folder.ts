/**
 * The checkpoints of a training run. At every moment, a power cut included, the last good one is there and whole:
 * a checkpoint is written into a hidden folder, synced, and renamed when it is complete; older ones go afterwards.
 *
 *     step-000123/model.safetensors       the weights
 *     step-000123/optimizer.safetensors   the optimizer's state
 *     step-000123/state.json              step, epoch, data position, random state; size and SHA-256 of the others
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { HostTensor } from '../../core/index.ts';
import { CheckpointError } from '../../core/index.ts';
import { syncFolder } from '../../core/node/files.ts';
import { hashFile, writeHashed } from './hashed-file.ts';
import { asCheckpointError } from './file-errors.ts';
import { encodeRunState, readRunState } from './run-state.ts';
import type { FileHash, RunState } from './run-state.ts';
import { readSafetensors, safetensorsChunks } from './safetensors-file.ts';
import type { TensorSource } from './safetensors-file.ts';
import { WEIGHTS_FILE } from './weights.ts';

const OPTIMIZER_FILE = 'optimizer.safetensors';
const STATE_FILE = 'state.json';
const STEP_FOLDER = /^step-(\d{6,15})(\.old)?$/;
const LEFTOVER = /^\.step-\d+\.(\d+)-[0-9a-f]+\.(?:tmp|trash)$/;

/** What is saved. Tensors are asked for one at a time. */
export interface CheckpointContents {
  readonly state: RunState;
  readonly model: readonly TensorSource[];
  readonly optimizer: readonly TensorSource[];
}

/** A checkpoint whose files have been verified. */
export interface RunCheckpoint {
  readonly path: string;
  readonly state: RunState;
  readModel(): Promise<Map<string, HostTensor>>;
  readOptimizer(): Promise<Map<string, HostTensor>>;
}

/** The folder of one run's checkpoints. One process writes to it at a time. */
export class RunFolder {
  readonly path: string;
  readonly keep: number;

  private constructor(path: string, keep: number) {
    this.path = path;
    this.keep = keep;
  }

  /**
   * Opens or makes the folder, and removes what interrupted processes left behind.
   * @param options.keep how many checkpoints stay; 2 by default, so that one bad disk block does not end a run
   */
  static async open(path: string, options: { keep?: number } = {}): Promise<RunFolder> {
    const folder = new RunFolder(path, Math.max(1, options.keep ?? 2));
    try {
      await mkdir(path, { recursive: true });
      await folder.#removeLeftovers();
    } catch (error) {
      throw asCheckpointError(error, path);
    }
    return folder;
  }

  /** Steps of the checkpoints that are there, newest first. They are not verified yet. */
  async steps(): Promise<number[]> {
    return [...new Set((await this.#folders()).map(({ step }) => step))];
  }

  /**
   * Saves a checkpoint, then removes older ones beyond {@link RunFolder.keep} and those of later steps, which belong
   * to a course of training that has been left.
   * @param protect steps of earlier checkpoints that stay besides, e.g. the best one
   * @returns its folder
   * @throws CheckpointError when it could not be written; earlier checkpoints are untouched then
   */
  async save(contents: CheckpointContents, protect: readonly number[] = []): Promise<string> {
    const name = stepName(contents.state.step);
    const target = join(this.path, name);
    const fresh = join(this.path, hiddenName(name, 'tmp'));
    try {
      await mkdir(fresh);
      const files: Record<string, FileHash> = {
        [WEIGHTS_FILE]: await writeHashed(join(fresh, WEIGHTS_FILE), safetensorsChunks(contents.model)),
        [OPTIMIZER_FILE]: await writeHashed(join(fresh, OPTIMIZER_FILE), safetensorsChunks(contents.optimizer)),
      };
      await writeHashed(join(fresh, STATE_FILE), [encodeRunState(contents.state, files)]);
      await syncFolder(fresh);
      // One of the same step stays readable under another name until the new one is in its place.
      const names = await readdir(this.path);
      if (names.includes(name)) {
        await rm(`${target}.old`, { recursive: true, force: true });
        await rename(target, `${target}.old`);
      }
      await rename(fresh, target);
      await syncFolder(this.path);
    } catch (error) {
      await rm(fresh, { recursive: true, force: true });
      throw asCheckpointError(error, target);
    }
    await this.#removeSuperseded(contents.state.step, protect);
    return target;
  }

  /**
   * The newest checkpoint whose files are complete and unchanged, or undefined when there is none.
   * @param onIgnored called with the folder of each damaged one and what is wrong with it; it is left where it is
   */
  async latest(onIgnored: (path: string, reason: string) => void = () => {}): Promise<RunCheckpoint | undefined> {
    for (const { folder } of await this.#folders()) {
      try {
        return await openRunCheckpoint(join(this.path, folder));
      } catch (error) {
        if (!(error instanceof CheckpointError)) throw error;
        onIgnored(join(this.path, folder), error.message);
      }
    }
    return undefined;
  }

  /** The checkpoint of a step, or undefined when there is none. @throws CheckpointError when it is damaged */
  async at(step: number): Promise<RunCheckpoint | undefined> {
    const found = (await this.#folders()).find((folder) => folder.step === step);
    return found === undefined ? undefined : openRunCheckpoint(join(this.path, found.folder));
  }

  /** Newest first; of two with the same step, the one that was written last. */
  async #folders(): Promise<{ folder: string; step: number }[]> {
    const names = await readdir(this.path);
    return names
      .flatMap((folder) => {
        const match = STEP_FOLDER.exec(folder);
        return match === null ? [] : [{ folder, step: Number(match[1]) }];
      })
      .sort((a, b) => b.step - a.step || a.folder.length - b.folder.length);
  }

  async #removeSuperseded(saved: number, protect: readonly number[]): Promise<void> {
    const folders = await this.#folders();
    const earlier = folders.filter(({ step, folder }) => step < saved && !folder.endsWith('.old'));
    const kept = new Set([stepName(saved), ...earlier.slice(0, this.keep - 1).map(({ folder }) => folder)]);
    for (const { step, folder } of earlier) if (protect.includes(step)) kept.add(folder);
    for (const { folder } of folders) if (!kept.has(folder)) await this.#remove(folder);
  }

  /** Renames first, so that a folder named as a checkpoint never lacks files because its removal was interrupted. */
  async #remove(folder: string): Promise<void> {
    const trash = join(this.path, hiddenName(folder.replace('.old', ''), 'trash'));
    await rename(join(this.path, folder), trash);
    await rm(trash, { recursive: true, force: true });
  }

  async #removeLeftovers(): Promise<void> {
    for (const name of await readdir(this.path)) {
      const match = LEFTOVER.exec(name);
      if (match !== null && !isOtherProcess(Number(match[1]))) {
        await rm(join(this.path, name), { recursive: true, force: true });
      }
    }
  }
}

/**
 * Opens one checkpoint by its folder, verifying size and hash of every file.
 * @throws CheckpointError when a file is absent, damaged or of another checkpoint
 */
export async function openRunCheckpoint(path: string): Promise<RunCheckpoint> {
  const { state, files } = await readRunState(join(path, STATE_FILE));
  for (const name of [WEIGHTS_FILE, OPTIMIZER_FILE]) {
    const expected = files[name];
    if (expected === undefined) throw new CheckpointError(`${join(path, STATE_FILE)}: no hash of ${name}`);
    const actual = await hashFile(join(path, name));
    if (actual.bytes !== expected.bytes || actual.sha256 !== expected.sha256) {
      const what =
        actual.bytes === expected.bytes
          ? 'its contents have changed'
          : `${actual.bytes} bytes instead of ${expected.bytes}`;
      throw new CheckpointError(`${join(path, name)}: ${what}`, 'use another checkpoint of the run');
    }
  }
  const named = STEP_FOLDER.exec(basename(path));
  if (named !== null && Number(named[1]) !== state.step) {
    throw new CheckpointError(`${path} holds step ${state.step}`, 'the folder was renamed; give it its name back');
  }
  return {
    path,
    state,
    readModel: () => readSafetensors(join(path, WEIGHTS_FILE)),
    readOptimizer: () => readSafetensors(join(path, OPTIMIZER_FILE)),
  };
}

function stepName(step: number): string {
  return `step-${String(step).padStart(6, '0')}`;
}

/** The process's number is in the name, so that its leftovers are told from the work of one that is alive. */
function hiddenName(name: string, ending: 'tmp' | 'trash'): string {
  return `.${name}.${process.pid}-${randomBytes(6).toString('hex')}.${ending}`;
}

function isOtherProcess(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
