import { basename, resolve } from 'node:path';
import { load, loadAdapter, type LoadOptions, STARTER } from '../../auto/node/index.ts';
import { DataError } from '../../core/index.ts';
import type { ContinuousBatchOptions } from '../../generate/index.ts';
import { BatchedAnswering } from '../pool/answering.ts';
import { ModelPool } from '../pool/model-pool.ts';

/** A model and the name that requests call it by. */
export interface ModelToServe {
  readonly name: string;
  /** Folder, name of the Hub, or the starter. */
  readonly source: string;
}

/** An adapter, the model that it is for, and its name beside that. */
export interface AdapterToServe {
  readonly base: string;
  readonly name: string;
  readonly folder: string;
}

/**
 * `NAME=SOURCE`, or a source alone, which names itself: a folder by its last part, a model of the Hub and the starter by
 * what they are called.
 */
export function modelToServe(text: string): ModelToServe {
  const equals = text.indexOf('=');
  if (equals > 0) return { name: text.slice(0, equals), source: text.slice(equals + 1) };
  const isName = text === STARTER || /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/.test(text);
  return { name: isName ? text : basename(resolve(text)), source: text };
}

/**
 * `NAME=FOLDER` for the first model, or `MODEL:NAME=FOLDER`.
 * @throws DataError when it is neither, or there is no such model
 */
export function adapterToServe(text: string, models: readonly ModelToServe[]): AdapterToServe {
  const found = /^(?:([^:=]+):)?([^:=]+)=(.+)$/.exec(text);
  if (found === null)
    throw new DataError(`--adapter ${text} names no folder`, 'write NAME=FOLDER, or MODEL:NAME=FOLDER');
  const [, base = models[0]!.name, name, folder] = found as unknown as [string, string | undefined, string, string];
  if (!models.some((model) => model.name === base))
    throw new DataError(
      `--adapter ${text} is for the model ${base}, which is not served`,
      `there are ${models.map((model) => model.name).join(', ')}`,
    );
  return { base, name, folder };
}

/**
 * Loads all models and adapters, one after another.
 * @param options.batch how each model answers several requests at once
 * @throws CheckpointError naming what cannot be loaded; nothing stays loaded then
 */
export async function openPool(
  models: readonly ModelToServe[],
  adapters: readonly AdapterToServe[],
  options: { readonly load?: LoadOptions; readonly batch?: ContinuousBatchOptions } = {},
): Promise<ModelPool> {
  const pool = new ModelPool({ engine: (model) => BatchedAnswering.create(model, options.batch) });
  try {
    for (const { name, source } of models) await pool.add(name, await load(source, options.load));
    for (const { base, name, folder } of adapters) {
      const { served, release } = pool.borrow(base);
      try {
        if (served.model.kind !== 'language')
          throw new DataError(`${base} takes no adapters while it is loaded`, 'merge them: sensorium adapter merge');
        pool.addAdapter(base, name, await loadAdapter(served.model, folder));
      } finally {
        release();
      }
    }
    return pool;
  } catch (error) {
    await pool.dispose();
    throw error;
  }
}
