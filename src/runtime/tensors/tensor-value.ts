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
import type { TensorCell, TensorMemory } from './tensor-memory.ts';

/** What the values of one runtime share. */
export interface TensorHome {
  readonly memory: TensorMemory;
  readonly queue: WorkQueue;
  readonly live: Set<Holding<TensorCell>>;
}

/** A tensor that the engine's JavaScript interface can take. */
export class TensorValue implements Value {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly home: TensorHome;
  readonly holding: Holding<TensorCell>;

  constructor(home: TensorHome, dtype: DType, shape: readonly number[], cell: TensorCell) {
    this.home = home;
    this.dtype = dtype;
    this.shape = Object.freeze([...shape]);
    this.holding = new Holding(home.live, cell);
    freeWhenForgotten(this, this.holding);
  }

  /** Puts another tensor of the same type and shape in the place of this one. Only within the queue. */
  replace(cell: TensorCell): void {
    this.holding.cell.free();
    this.holding.cell = cell;
  }

  async read(into?: HostTensor): Promise<HostTensor> {
    if (into !== undefined) checkHost(this, into);
    const data: TypedArray = into?.data ?? allocateArray(this.dtype, elementCount(this.shape));
    await this.#work((holding) => this.home.memory.download(holding.cell, this.dtype, data));
    return into ?? ({ dtype: this.dtype, shape: [...this.shape], data } as HostTensor);
  }

  async write(host: HostTensor): Promise<void> {
    checkHost(this, host);
    await this.#work(async () => this.replace(await this.home.memory.upload(this.dtype, this.shape, host.data)));
  }

  dispose(): void {
    freedByHand(this.holding);
    this.holding.end();
  }

  async #work(work: (holding: Holding<TensorCell>) => Promise<void>): Promise<void> {
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
export function ownTensor(home: TensorHome, name: string, value: Value): TensorValue {
  if (value instanceof TensorValue && value.home === home) return value;
  throw new DeviceError(
    `the value given for "${name}" was made by another runtime`,
    'read it there and allocate it here',
  );
}
