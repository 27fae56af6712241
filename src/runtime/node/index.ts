import { availableParallelism } from 'node:os';
import { DeviceError } from '../../core/index.ts';
import type { Runtime } from '../types.ts';
import { CApiRuntime } from './c-api-runtime.ts';
import { MissingDeviceError, openGpu, type NodeDevice } from './devices.ts';

export { listDevices, type DeviceReport, type NodeDevice } from './devices.ts';

export interface RuntimeOptions {
  /** Default `cpu`. */
  readonly device?: NodeDevice;
  /** Threads within an operator; by default as many as the process may use at once. */
  readonly threads?: number;
  /** By default the C API, and the binding where the C API cannot be had. */
  readonly backend?: 'c-api' | 'binding';
}

/** Starts the engine on a device of Node. @throws DeviceError when the device or the engine is not there. */
export async function createRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  const device = options.device ?? 'cpu';
  const threads = options.threads ?? availableParallelism();
  if (!Number.isSafeInteger(threads) || threads < 1) {
    throw new DeviceError(`the engine cannot run on ${threads} threads`, 'give a whole number of at least 1');
  }
  const binding = async (): Promise<Runtime> => {
    // The binding does not say in advance whether a device is there; opening it shows that, where the C API can be had.
    if (device !== 'cpu') {
      await openGpu(device).catch((error: unknown) => {
        if (error instanceof MissingDeviceError) throw error;
      });
    }
    return (await import('./binding-runtime.ts')).bindingRuntime(device, threads);
  };
  if (options.backend === 'binding') return binding();
  try {
    return await CApiRuntime.open(device, threads);
  } catch (error) {
    // A device that is not there is not there by the other way either.
    if (options.backend === 'c-api' || error instanceof MissingDeviceError) throw error;
    return binding();
  }
}
