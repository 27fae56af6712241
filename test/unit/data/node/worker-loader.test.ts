import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { DatasetDescription } from '../../../../src/data/dataset.ts';
import type { Loader, LoaderState } from '../../../../src/data/loader.ts';
import { openLoader as openInThread, type WorkerLoaderOptions } from '../../../../src/data/node/worker-loader.ts';

// Workers need compiled files: the loader, its thread and the dataset are compiled into a temporary folder.
const root = fileURLToPath(new URL('../../../../', import.meta.url));
let folder: string;
let open: typeof openInThread;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sensorium-loader-'));
  await build({
    absWorkingDir: root,
    entryPoints: [
      'src/data/node/worker-loader.ts',
      'src/data/node/loader-worker.ts',
      'test/unit/data/node/fixtures/counting.ts',
    ],
    outdir: folder,
    entryNames: '[name]',
    outExtension: { '.js': '.js' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
  });
  await import('node:fs/promises').then((fs) => fs.writeFile(join(folder, 'package.json'), '{"type":"module"}'));
  open = (
    (await import(/* @vite-ignore */ pathToFileURL(join(folder, 'worker-loader.js')).href)) as {
      openLoader: typeof openInThread;
    }
  ).openLoader;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const counting = (options: object): DatasetDescription => ({
  module: pathToFileURL(join(folder, 'counting.js')).href,
  options,
});

async function drain(loader: Loader, limit = 1000): Promise<number[][]> {
  const batches: number[][] = [];
  for (let i = 0; i < limit; i++) {
    const next = await loader.next();
    if (next === undefined) break;
    batches.push([...(next.batch.tensors.value!.data as Float32Array)]);
  }
  return batches;
}

async function all(options: Partial<WorkerLoaderOptions>, dataset: object = {}): Promise<number[][]> {
  const loader = await open(counting({ length: 23, ...dataset }), { seed: 2, batchSize: 4, epochs: 2, ...options });
  try {
    return await drain(loader);
  } finally {
    await loader.close();
  }
}

describe('openLoader', () => {
  it('hands out equal batches in equal order for any number of workers', async () => {
    const expected = await all({ workers: 0 });
    expect(expected).toHaveLength(10);
    expect(expected[0]).toEqual([2000000, 2000001, 2000002, 2000003]);
    expect(expected[5]).toEqual([2001000, 2001001, 2001002, 2001003]);
    for (const workers of [1, 2, 3]) expect(await all({ workers })).toEqual(expected);
    expect(await all({ workers: 2, ahead: 1 })).toEqual(expected);
  });

  it('keeps the small last batch when asked to', async () => {
    const batches = await all({ workers: 2, epochs: 1, dropLast: false });
    expect(batches.map((batch) => batch.length)).toEqual([4, 4, 4, 4, 4, 3]);
  });

  it('goes on exactly where its state says', async () => {
    const expected = await all({ workers: 2 });
    const first = await open(counting({ length: 23 }), { seed: 2, batchSize: 4, epochs: 2, workers: 2 });
    const before = await drain(first, 4);
    const start: LoaderState = JSON.parse(JSON.stringify(first.state));
    await first.close();
    expect(start).toEqual({ epoch: 0, batch: 4 });
    expect([...before, ...(await all({ workers: 1, start }))]).toEqual(expected);
  });

  it('says which sample failed, after the batches before it', async () => {
    const loader = await open(counting({ length: 23, failAt: 9 }), { seed: 0, batchSize: 4, workers: 2 });
    expect(await drain(loader, 2)).toHaveLength(2);
    await expect(loader.next()).rejects.toMatchObject({
      name: 'DataError',
      message: expect.stringContaining('samples 8 to 11 of pass 0: sample number 9 is broken'),
    });
    await loader.close();
    expect(await loader.next()).toBeUndefined();
  });

  it('reports a worker that dies', async () => {
    const loader = await open(counting({ length: 23, crashAt: 5 }), { seed: 0, batchSize: 4, workers: 1 });
    await loader.next().catch(() => undefined);
    await expect(loader.next()).rejects.toThrow('ended early with code 3');
    await loader.close();
  });

  it('reports what cannot be started', async () => {
    await expect(open(counting({ length: 23, failToStart: true }), { seed: 0, batchSize: 4 })).rejects.toThrow(
      'no such numbers',
    );
    await expect(open({ module: 'file:///nowhere.js', options: {} }, { seed: 0, batchSize: 4 })).rejects.toThrow(
      'cannot be loaded',
    );
    await expect(open(counting({ length: 3 }), { seed: 0, batchSize: 4 })).rejects.toThrow('fewer than one batch');
    await expect(
      open(counting({ length: 30 }), { seed: 0, batchSize: 4, start: { epoch: 0, batch: 9 } }),
    ).rejects.toThrow('cannot start at batch 9');
  });

  it('is closed twice without harm, with batches under way', async () => {
    const loader = await open(counting({ length: 23 }), { seed: 0, batchSize: 4, workers: 2 });
    await Promise.all([loader.close(), loader.close()]);
    await loader.close();
  });

  it('runs on the calling thread from sources', async () => {
    const module = new URL('./fixtures/counting.ts', import.meta.url).href;
    const seen: string[] = [];
    const loader = await openInThread(
      { module, options: { length: 8 } },
      { seed: 0, batchSize: 4, epochs: 1, report: (_, __, what) => seen.push(what) },
    );
    expect(await drain(loader)).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ]);
    expect(seen).toEqual(['counting']);
    await loader.close();
  });
});
