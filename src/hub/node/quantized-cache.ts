/** Quantized weights of checkpoints that were loaded before, so that the next time takes no longer than opening them. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type QuantizationSettings, resolveSettings } from '../quantize/index.ts';
import { CHECKPOINT_FILES, openCheckpoint } from './checkpoint.ts';
import { confined } from './confine.ts';
import { removeLeftovers } from './fresh-folder.ts';
import { quantizeCheckpoint, type QuantizeOptions } from './quantize-checkpoint.ts';

/** Raised when the same settings give other files. */
const VERSION = 1;

export interface QuantizedCacheOptions extends Pick<QuantizeOptions, 'progress' | 'signal'> {
  /** Where such folders are kept; `$XDG_CACHE_HOME/sensorium/quantized` unless told. */
  readonly cacheFolder?: string;
  /** `process.env` by default. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/**
 * A quantized copy of a checkpoint, made unless there is one. Two processes may ask at once: both make it then, and one is
 * kept. A copy belongs to the checkpoint's files as they are: path, size, time of the last change.
 * @returns its folder, for `openCheckpoint`
 * @throws CheckpointError as `quantizeCheckpoint`
 */
export async function quantizedFolder(
  source: string,
  settings: QuantizationSettings = {},
  options: QuantizedCacheOptions = {},
): Promise<string> {
  const { environment = process.env, progress, signal } = options;
  const cache = options.cacheFolder ?? defaultFolder(environment);
  const target = join(cache, await identityOf(source, settings));
  if (existsSync(target)) return target;
  await mkdir(cache, { recursive: true });
  await removeLeftovers(cache);
  try {
    await quantizeCheckpoint(source, target, settings, { ...(progress && { progress }), ...(signal && { signal }) });
  } catch (error) {
    // Another process was quicker: a folder is there only when it is whole.
    if (!existsSync(target) || signal?.aborted === true) throw error;
  }
  return target;
}

function defaultFolder(environment: Readonly<Record<string, string | undefined>>): string {
  const base = environment['XDG_CACHE_HOME'] || join(environment['HOME'] || homedir(), '.cache');
  return join(base, 'sensorium', 'quantized');
}

async function identityOf(source: string, settings: QuantizationSettings): Promise<string> {
  const { folder, weights } = await openCheckpoint(source);
  await weights.close();
  const config = await confined(folder, join(folder, CHECKPOINT_FILES.config[0]));
  const paths = [config, ...new Set(weights.names.map((name) => weights.location(name).path))];
  const files = await Promise.all(
    paths.map(async (path) => {
      const { size, mtimeNs } = await stat(path, { bigint: true });
      return [path, String(size), String(mtimeNs)];
    }),
  );
  const identity = JSON.stringify([VERSION, resolveSettings(settings), files]);
  return createHash('sha256').update(identity).digest('hex').slice(0, 32);
}
