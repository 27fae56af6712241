/** Folders that are whole or absent. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CheckpointError } from '../../core/index.ts';
import { syncFolder } from '../../core/node/files.ts';
import { asCheckpointError } from './file-errors.ts';

const LEFTOVER = /^\..+\.(\d+)-[0-9a-f]{12}\.tmp$/;

/** What may be replaced. */
export interface ReplaceOptions {
  /** Replace what is there, if every name in it is of this kind. */
  readonly overwrite?: boolean;
  /** Whether a file of that name belongs to such a folder. */
  readonly isOwn: (name: string) => boolean;
}

/**
 * Writes a folder as a whole: a reader sees what was there before, or the new one, never a mixture.
 * @param write fills a hidden folder beside the final place, which takes its name afterwards; files are synced by `write`
 * @throws CheckpointError when something is there that may not be replaced, or the disk is full; nothing is left behind then
 */
export async function writeFolder(
  path: string,
  options: ReplaceOptions,
  write: (folder: string) => Promise<void>,
): Promise<void> {
  const target = resolve(path);
  const there = await contents(target);
  if (there !== undefined) checkReplaceable(path, there, options);
  const mark = `${process.pid}-${randomBytes(6).toString('hex')}`;
  const fresh = join(dirname(target), `.${basename(target)}.${mark}.tmp`);
  const old = join(dirname(target), `.${basename(target)}.${mark}.old`);
  try {
    await mkdir(fresh, { recursive: true });
    await write(fresh);
    await syncFolder(fresh);
    if (there !== undefined) await rename(target, old);
    await rename(fresh, target);
    await syncFolder(dirname(target));
  } catch (error) {
    if (there !== undefined && existsSync(old) && !existsSync(target)) await rename(old, target);
    throw asCheckpointError(error, path);
  } finally {
    await rm(fresh, { recursive: true, force: true });
    if (existsSync(target)) await rm(old, { recursive: true, force: true });
  }
}

/** Removes what processes that are no more have left half-written in a folder. */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const match = LEFTOVER.exec(name);
    if (match !== null && !isAlive(Number(match[1]))) await rm(join(folder, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Names in a folder; undefined when nothing is there. */
async function contents(path: string): Promise<string[] | undefined> {
  try {
    return await readdir(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw asCheckpointError(error, path);
  }
}

function checkReplaceable(path: string, names: readonly string[], { overwrite, isOwn }: ReplaceOptions): void {
  const foreign = names.find((name) => !isOwn(name));
  if (foreign !== undefined)
    throw new CheckpointError(`${path} holds other files (${foreign})`, 'choose a new folder for the model');
  if (names.length > 0 && overwrite !== true)
    throw new CheckpointError(`${path} holds a model already`, 'choose another folder, or remove that one first');
}
