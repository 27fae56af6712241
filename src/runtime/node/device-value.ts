import {
  allocateArray,
  DeviceError,
  elementCount,
  type DType,
  type HostTensor,
  type TypedArray,
} from '../../core/index.ts';
import { checkHost } from '../checks.ts';
import { freedByHand, freeWhenForgotten, Holding } from '../holding.ts';
import type { WorkQueue } from '../queue.ts';
import type { Value } from '../types.ts';
import type { Cell, DeviceMemory } from './device-memory.ts';
import type { Breath } from './pace.ts';

/** What the values of one runtime share. */
export interface ValueHome {
  readonly memory: DeviceMemory;
  readonly queue: WorkQueue;
  /** Everything that is not yet freed, so that the runtime can free it when it ends. */
  readonly live: Set<Holding<Cell>>;
  readonly breath: Breath;
}

let lastId = 0;

/** A tensor of the C API backend. */
export class DeviceValue implements Value {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Never used twice, so that a program can tell whether it has seen this value before. */
  readonly id: number = ++lastId;
  readonly home: ValueHome;
  readonly holding: Holding<Cell>;
  /** Its memory is part of an arena: it must not move. */
  readonly fixed: boolean;

  constructor(home: ValueHome, dtype: DType, shape: readonly number[], cell: Cell, fixed = false) {
    this.home = home;
    this.dtype = dtype;
    this.shape = Object.freeze([...shape]);
    this.fixed = fixed;
    this.holding = new Holding(home.live, cell);
    freeWhenForgotten(this, this.holding);
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
    freedByHand(this.holding);
    this.holding.end();
  }

  async #work(work: (holding: Holding<Cell>) => void | Promise<void>): Promise<void> {
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
  throw new DeviceError(
    `the value given for "${name}" was made by another runtime`,
    'read it there and allocate it here',
  );
}
