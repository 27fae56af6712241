import { allocateArray, DeviceError, elementCount, type DType, type HostTensor, type TypedArray } from '../../core/index.ts';
import { checkHost, disposedError } from '../checks.ts';
import type { WorkQueue } from '../queue.ts';
import type { Value } from '../types.ts';
import type { Cell, DeviceMemory } from './device-memory.ts';
import type { Breath } from './pace.ts';

/** What the values of one runtime share. */
export interface ValueHome {
  readonly memory: DeviceMemory;
  readonly queue: WorkQueue;
  /** Everything that is not yet freed, so that the runtime can free it when it ends. */
  readonly live: Set<Holding>;
  readonly breath: Breath;
}

/** The memory behind a value. It outlives a forgotten value until the garbage collector reports it. */
export class Holding {
  cell: Cell;
  /** A second cell of the same size, once a run had to double-buffer this value. */
  spare: Cell | undefined;
  readonly #home: ValueHome;
  #uses = 0;
  #ended = false;

  constructor(home: ValueHome, cell: Cell) {
    this.#home = home;
    this.cell = cell;
    home.live.add(this);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The memory stays at least until `letGo`. */
  use(): void {
    if (this.#ended) throw disposedError('value');
    this.#uses++;
  }

  letGo(): void {
    if (--this.#uses === 0 && this.#ended) this.#free();
  }

  /** Frees the memory, now or when its last use is over. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#uses === 0) this.#free();
  }

  #free(): void {
    this.#home.live.delete(this);
    this.cell.free();
    this.spare?.free();
  }
}

/** Frees what a program forgot. */
const forgotten = new FinalizationRegistry<Holding>((holding) => {
  holding.end();
});

let lastId = 0;

/** A tensor of the C API backend. */
export class DeviceValue implements Value {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Never used twice, so that a program can tell whether it has seen this value before. */
  readonly id: number = ++lastId;
  readonly home: ValueHome;
  readonly holding: Holding;
  /** Its memory is part of an arena: it must not move. */
  readonly fixed: boolean;

  constructor(home: ValueHome, dtype: DType, shape: readonly number[], cell: Cell, fixed = false) {
    this.home = home;
    this.dtype = dtype;
    this.shape = Object.freeze([...shape]);
    this.fixed = fixed;
    this.holding = new Holding(home, cell);
    forgotten.register(this, this.holding, this.holding);
  }

  async read(into?: HostTensor): Promise<HostTensor> {
    if (into !== undefined) checkHost(this, into);
    const data: TypedArray = into?.data ?? allocateArray(this.dtype, elementCount(this.shape));
    await this.#work((holding) => this.home.memory.read(holding.cell, this.dtype, data));
    return into ?? ({ dtype: this.dtype, shape: [...this.shape], data } as HostTensor);
  }

  async write(host: HostTensor): Promise<void> {
    checkHost(this, host);
    await this.#work((holding) => this.home.memory.write(holding.cell, this.dtype, host.data));
  }

  dispose(): void {
    forgotten.unregister(this.holding);
    this.holding.end();
  }

  async #work(work: (holding: Holding) => void | Promise<void>): Promise<void> {
    const { holding } = this;
    holding.use();
    try {
      await this.home.queue.run(() => work(holding));
    } finally {
      holding.letGo();
    }
  }
}

/** The value as one of this runtime's own. @throws DeviceError when another runtime made it. */
export function ownValue(home: ValueHome, name: string, value: Value): DeviceValue {
  if (value instanceof DeviceValue && value.home === home) return value;
  throw new DeviceError(`the value given for "${name}" was made by another runtime`, 'read it there and allocate it here');
}
