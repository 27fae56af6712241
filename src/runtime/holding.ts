import { disposedError } from './checks.ts';

/** Something that must be freed by hand. */
export interface Freeable {
  free(): void;
}

/** The memory behind a value. It outlives a forgotten value until the garbage collector reports it. */
export class Holding<C extends Freeable = Freeable> {
  cell: C;
  /** A second cell of the same size, once a run had to double-buffer this value. */
  spare: C | undefined;
  readonly #live: Set<Holding<C>>;
  #uses = 0;
  #ended = false;

  /** @param live everything of one runtime that is not yet freed, so that the runtime can free it when it ends */
  constructor(live: Set<Holding<C>>, cell: C) {
    this.#live = live;
    this.cell = cell;
    live.add(this);
  }

  /** The memory stays at least until `letGo`. @throws DeviceError when the value was disposed of. */
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
    this.#live.delete(this);
    this.cell.free();
    this.spare?.free();
  }
}

const forgotten = new FinalizationRegistry<{ end(): void }>((holding) => {
  holding.end();
});

/** Frees the memory of `value` some time after the program forgot it. */
export function freeWhenForgotten(value: object, holding: { end(): void }): void {
  forgotten.register(value, holding, holding);
}

export function freedByHand(holding: { end(): void }): void {
  forgotten.unregister(holding);
}
