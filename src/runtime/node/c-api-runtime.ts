import type { DType, HostTensor } from '../../core/index.ts';
import { MemoryAccount } from '../account.ts';
import { checkHost, checkShape, disposedError } from '../checks.ts';
import { WorkQueue } from '../queue.ts';
import type { CompileOptions, Device, Program, ProgramSource, Runtime, Value } from '../types.ts';
import { CpuMemory } from './cpu-memory.ts';
import type { Cell, DeviceMemory } from './device-memory.ts';
import { openGpu, type NodeDevice } from './devices.ts';
import { GpuMemory, type Gpu } from './gpu-memory.ts';
import { createArena } from './device-arena.ts';
import { DeviceProgram } from './device-program.ts';
import { DeviceValue, type ValueHome } from './device-value.ts';
import { engineLibrary, type EngineLibrary } from './engine-library.ts';
import { NativeRows } from './native-rows.ts';
import { createSession } from './session.ts';

/** The engine through its C API: no copies on the CPU, runs on a worker thread. */
export class CApiRuntime implements Runtime {
  readonly device: Device;
  readonly backend = 'c-api';
  readonly version: string;
  readonly threads: number;
  /** Present on the CPU: the engine's tensors on a GPU cannot be views of one buffer. */
  readonly allocateArena?: NonNullable<Runtime['allocateArena']>;
  readonly allocateRows?: NonNullable<Runtime['allocateRows']>;
  readonly #engine: EngineLibrary;
  readonly #gpu: Gpu | undefined;
  readonly #home: ValueHome;
  readonly #account = new MemoryAccount();
  readonly #programs = new Set<DeviceProgram>();
  #disposed = false;

  private constructor(engine: EngineLibrary, device: Device, threads: number, gpu: Gpu | undefined) {
    this.#engine = engine;
    this.#gpu = gpu;
    this.device = device;
    this.version = `onnxruntime ${engine.version}`;
    this.threads = threads;
    const cpu = new CpuMemory(engine, gpu === undefined ? this.#account : new MemoryAccount());
    const memory: DeviceMemory = gpu === undefined ? cpu : new GpuMemory(gpu, cpu, this.#account);
    this.#home = { memory, queue: new WorkQueue(), live: new Set(), breath: { last: 0 } };
    if (gpu === undefined) {
      this.allocateArena = async (specs, padTo) => {
        this.#alive();
        return createArena(this.#home, cpu, specs, padTo);
      };
      this.allocateRows = (dtype, shape) => {
        this.#alive();
        return new NativeRows(this.#home, cpu, dtype, shape);
      };
    }
  }

  /** @throws DeviceError when the engine's library is missing or of another version, or the device is not there. */
  static async open(device: NodeDevice, threads: number): Promise<CApiRuntime> {
    const engine = engineLibrary();
    return new CApiRuntime(engine, device, threads, device === 'cpu' ? undefined : await openGpu(device));
  }

  async compile(source: ProgramSource, options: CompileOptions & { inPlace?: boolean } = {}): Promise<Program> {
    this.#alive();
    const create = (): Promise<bigint> => createSession(this.#engine, source, options, this.threads, this.#gpu?.append);
    // Sessions on a GPU share its device with the runs, which does not take two threads at once.
    const session = await (this.#gpu === undefined ? create() : this.#home.queue.run(create));
    const program = new DeviceProgram(this.#home, this.#engine, session, source, options.inPlace === true, (ended) =>
      this.#programs.delete(ended),
    );
    this.#programs.add(program);
    if (this.#disposed) {
      program.dispose();
      throw disposedError('runtime');
    }
    return program;
  }

  async allocate(dtype: DType, shape: readonly number[], data?: HostTensor): Promise<Value> {
    this.#alive();
    checkShape(shape);
    if (data !== undefined) checkHost({ dtype, shape }, data);
    const { memory, queue } = this.#home;
    const cell = memory.allocate(dtype, shape);
    try {
      // New memory concerns nobody else, so on the CPU there is no need to wait for a turn.
      if (this.#gpu === undefined) await fill(memory, cell, dtype, data);
      else await queue.run(() => fill(memory, cell, dtype, data));
    } catch (error) {
      cell.free();
      throw error;
    }
    return new DeviceValue(this.#home, dtype, shape, cell);
  }

  memory(): { values: number; peakValues: number } {
    return this.#account.report();
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const program of this.#programs) program.dispose();
    await this.#home.queue.run(() => {
      for (const holding of this.#home.live) holding.end();
    });
  }

  #alive(): void {
    if (this.#disposed) throw disposedError('runtime');
  }
}

async function fill(memory: DeviceMemory, cell: Cell, dtype: DType, data: HostTensor | undefined): Promise<void> {
  if (data === undefined) await memory.zero(cell);
  else await memory.write(cell, dtype, data.data);
}
