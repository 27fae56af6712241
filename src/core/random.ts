/**
 * Seeded random numbers that are the same on every machine and whose state can be saved.
 * Generator: xoshiro128** 1.1 (Blackman and Vigna 2018), seeded by splitmix32.
 */
export class Random {
  #s: Uint32Array;

  constructor(seed: number) {
    this.#s = new Uint32Array(4);
    let z = seed >>> 0;
    for (let i = 0; i < 4; i++) {
      z = (z + 0x9e3779b9) >>> 0;
      let t = z ^ (z >>> 16);
      t = Math.imul(t, 0x21f0aaad);
      t ^= t >>> 15;
      t = Math.imul(t, 0x735a2d97);
      this.#s[i] = (t ^ (t >>> 15)) >>> 0;
    }
  }

  /** The state, to be given to {@link Random.restore}. */
  get state(): number[] {
    return [...this.#s];
  }

  static restore(state: readonly number[]): Random {
    const random = new Random(0);
    random.#s = Uint32Array.from(state);
    return random;
  }

  /** An independent stream for a named or numbered purpose; this stream does not advance. */
  fork(key: string | number): Random {
    let hash = 0x811c9dc5;
    for (const char of `${this.#s.join(',')}/${key}`) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193);
    return new Random(hash >>> 0);
  }

  /** An integer in [0, 2³²). */
  uint32(): number {
    const s = this.#s;
    const s1 = s[1]!;
    const x = Math.imul(s1, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    const t = s1 << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s1;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = (s[3]! << 11) | (s[3]! >>> 21);
    return result;
  }

  /** A real number in [low, high), uniform, with 32 random bits. */
  uniform(low = 0, high = 1): number {
    return low + ((high - low) * this.uint32()) / 0x1_0000_0000;
  }

  /** An integer in [0, bound). */
  integer(bound: number): number {
    return Math.floor(this.uniform() * bound);
  }

  /** A standard normal number (Box and Muller 1958). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** One element. The array must not be empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.integer(items.length)]!;
  }

  /**
   * A position, each as often as its weight says. Takes one number, and none where nothing can be drawn.
   * @param weights none below 0
   * @returns undefined where no weight is above 0
   */
  weighted(weights: readonly number[]): number | undefined {
    let total = 0;
    for (const weight of weights) total += weight;
    if (!(total > 0)) return undefined;
    let rest = this.uniform(0, total);
    for (const [i, weight] of weights.entries()) {
      rest -= weight;
      if (rest < 0) return i;
    }
    // What is left after all of them is a matter of rounding.
    return weights.findLastIndex((weight) => weight > 0);
  }

  /** Shuffles in place (Fisher and Yates) and returns the array. */
  shuffle<List extends unknown[] | Uint32Array>(items: List): List {
    const list = items as unknown[];
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const kept = list[i];
      list[i] = list[j];
      list[j] = kept;
    }
    return items;
  }
}
