/** The thread in which a dataset lives; started by worker-loader. */
import { parentPort, workerData } from 'node:worker_threads';

import { asDatasetModule, type Batch, type Dataset } from '../dataset.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './loader-protocol.ts';

const port = parentPort!;
const send = (message: FromWorker, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
const describe = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Buffers that can be handed over instead of copied; shared ones need neither. */
function buffersOf(batch: Batch): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { data } of Object.values(batch.tensors)) if (data.buffer instanceof ArrayBuffer) buffers.add(data.buffer);
  return [...buffers];
}

async function answer(dataset: Dataset, message: ToWorker): Promise<void> {
  if (message.kind === 'close') {
    try {
      await dataset.close?.();
    } finally {
      send({ kind: 'closed' });
      port.close();
    }
    return;
  }
  try {
    const batch = await dataset.batch(message.position, message.size);
    send({ kind: 'batch', id: message.id, batch }, buffersOf(batch));
  } catch (error) {
    send({ kind: 'failure', id: message.id, message: describe(error) });
  }
}

try {
  const setup = workerData as WorkerSetup;
  const module = asDatasetModule(await import(setup.module), setup.module);
  const dataset = await module.create(setup.options, setup.shared);
  port.on('message', (message: ToWorker) => {
    answer(dataset, message).catch((error: unknown) => send({ kind: 'failure', message: describe(error) }));
  });
  send({ kind: 'ready', length: dataset.length });
} catch (error) {
  send({ kind: 'failure', message: describe(error) });
}
