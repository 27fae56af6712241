import { allocateArray, elementCount, type DType, type HostTensor } from '../../core/index.ts';
import { MemoryAccount } from '../account.ts';
import { checkHost, checkShape, disposedError } from '../checks.ts';
import { WorkQueue } from '../queue.ts';
import type { CompileOptions, Device, Program, ProgramSource, Runtime, Value } from '../types.ts';
import { guarded, tensorType, type TensorEngine } from './engine.ts';
import { TensorMemory } from './tensor-memory.ts';
import { TensorProgram } from './tensor-program.ts';
import { TensorValue, type TensorHome } from './tensor-value.ts';

/** The engine through its JavaScript interface: the fallback on Node, and the only way in a browser. */
export class TensorRuntime implements Runtime {
  readonly device: Device;
  readonly backend: 'binding' | 'web';
  readonly version: string;
  readonly threads: number;
  readonly #engine: TensorEngine;
  readonly #account = new MemoryAccount();
  readonly #home: TensorHome;
  readonly #programs = new Set<TensorProgram>();
  readonly #releases = new Set<Promise<void>>();
  #disposed = false;

  constructor(engine: TensorEngine) {
    this.#engine = engine;
    this.device = engine.device;
    this.backend = engine.backend;
    this.version = engine.version;
    this.threads = engine.threads;
    this.#home = { memory: new TensorMemory(engine, this.#account), queue: new WorkQueue(), live: new Set() };
  }

  async compile(source: ProgramSource, options: CompileOptions & { inPlace?: boolean } = {}): Promise<Program> {
    this.#alive();
    // Where the device keeps values, one that cannot be copied there shows that the device is gone: find out here.
    if (this.#engine.gpu) await this.#home.queue.run(() => this.#anchor());
    const settings = {
      ...this.#engine.sessionOptions(source, options),
      graphOptimizationLevel: options.optimization ?? ('all' as const),
      enableMemPattern: options.memoryPattern ?? true,
      ...(this.#engine.gpu ? { preferredOutputLocation: 'gpu-buffer' as const } : {}),
    };
    const session = await this.#home.queue.run(() => guarded(() => this.#engine.create(source.bytes, settings)));
    const program = new TensorProgram(this.#home, session, source, (ended, released) => {
      this.#programs.delete(ended);
      const settled = released.catch(() => undefined).finally(() => this.#releases.delete(settled));
      this.#releases.add(settled);
    });
    this.#programs.add(program);
    return program;
  }

  async allocate(dtype: DType, shape: readonly number[], data?: HostTensor): Promise<Value> {
    this.#alive();
    checkShape(shape);
    tensorType(dtype);
    if (data !== undefined) checkHost({ dtype, shape }, data);
    const contents = data?.data ?? allocateArray(dtype, elementCount(shape));
    const cell = await this.#home.queue.run(() => this.#home.memory.upload(dtype, shape, contents));
    return new TensorValue(this.#home, dtype, shape, cell);
  }

  memory(): { values: number; peakValues: number } {
    return this.#account.report();
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const program of this.#programs) program.dispose();
    await Promise.all(this.#releases);
    await this.#home.queue.run(async () => {
      for (const holding of this.#home.live) holding.end();
      await this.#home.memory.release();
    });
  }

  /** Keeps one session on the GPU open: releasing the last one would take the device away. */
  async #anchor(): Promise<void> {
    (await this.#home.memory.upload('float32', [1], new Float32Array(1))).free();
  }

  #alive(): void {
    if (this.#disposed) throw disposedError('runtime');
  }
}
