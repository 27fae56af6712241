/** What was worked out lately, by key: of more than `capacity` results the one not asked for longest goes. */
export class Recent<V> {
  readonly #capacity: number;
  /** In the order of their last use. */
  readonly #values = new Map<string, V>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The result for a key, worked out unless it is known. */
  get(key: string, make: () => V): V {
    const known = this.#values.get(key);
    const value = known ?? make();
    if (known !== undefined) this.#values.delete(key);
    else if (this.#values.size >= this.#capacity) this.#values.delete(this.#values.keys().next().value!);
    this.#values.set(key, value);
    return value;
  }
}
