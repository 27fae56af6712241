import type { DType, HostTensor } from '../../core/index.ts';
import { MemoryAccount } from '../account.ts';
import { checkHost, checkShape, disposedError } from '../checks.ts';
import { WorkQueue } from '../queue.ts';
import type { Arena, CompileOptions, Device, Program, ProgramSource, Runtime, Value } from '../types.ts';
import { CpuMemory } from './cpu-memory.ts';
import { createArena } from './device-arena.ts';
import { DeviceProgram } from './device-program.ts';
import { DeviceValue, type ValueHome } from './device-value.ts';
import { engineLibrary, type EngineLibrary } from './engine-library.ts';
import { createSession } from './session.ts';

/** The engine on the CPU, through its C API: no copies, runs on a worker thread. */
export class CApiRuntime implements Runtime {
  readonly device: Device = 'cpu';
  readonly backend = 'c-api';
  readonly version: string;
  readonly threads: number;
  readonly #engine: EngineLibrary;
  readonly #memory: CpuMemory;
  readonly #home: ValueHome;
  readonly #account = new MemoryAccount();
  readonly #programs = new Set<DeviceProgram>();
  #disposed = false;

  /** @throws DeviceError when the engine's library is missing or of another version. */
  constructor(threads: number) {
    this.#engine = engineLibrary();
    this.version = `onnxruntime ${this.#engine.version}`;
    this.threads = threads;
    this.#memory = new CpuMemory(this.#engine, this.#account);
    this.#home = { memory: this.#memory, queue: new WorkQueue(), live: new Set(), breath: { last: 0 } };
  }

  async compile(source: ProgramSource, options: CompileOptions & { inPlace?: boolean } = {}): Promise<Program> {
    this.#alive();
    const session = await createSession(this.#engine, source, options, this.threads);
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
    const cell = this.#memory.allocate(dtype, shape);
    if (data === undefined) this.#memory.zero(cell);
    else this.#memory.write(cell, dtype, data.data);
    return new DeviceValue(this.#home, dtype, shape, cell);
  }

  async allocateArena(specs: readonly { name: string; shape: readonly number[] }[], padTo?: number): Promise<Arena> {
    this.#alive();
    return createArena(this.#home, this.#memory, specs, padTo);
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

