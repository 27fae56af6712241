import { GenerationError } from '../../core/index.ts';
import { has } from './byte-set.ts';
import type { Expression, Expressions } from './expression.ts';

/** The state that no text leads out of. */
export const DEAD = -1;
/** States (1 kB each) after which all are forgotten at the next occasion, and those that no single step may need. */
const SOFT_LIMIT = 8192;
const HARD_LIMIT = 65_536;

/**
 * The deterministic automaton of an expression, made as far as it is walked. A state is a number; it stays valid until
 * {@link Automaton.tidy}.
 */
export class Automaton {
  readonly #expressions: Expressions;
  #rests: Expression[] = [];
  #states = new Map<Expression, number>();
  /** The state after each byte, 256 a state. */
  #next: Int32Array = new Int32Array(64 * 256);
  #ready: boolean[] = [];
  #generation = 0;

  constructor(expressions: Expressions) {
    this.#expressions = expressions;
  }

  /** Counts how often the states were forgotten. */
  get generation(): number {
    return this.#generation;
  }

  /** The state of what is left to come. */
  stateOf(rest: Expression): number {
    if (rest.kind === 'nothing') return DEAD;
    const known = this.#states.get(rest);
    if (known !== undefined) return known;
    const state = this.#rests.length;
    if (state >= HARD_LIMIT)
      throw new GenerationError(
        `a constraint takes more than ${HARD_LIMIT} states for one token`,
        'make its repetitions within repetitions simpler',
      );
    if ((state + 1) * 256 > this.#next.length) {
      const larger = new Int32Array(this.#next.length * 2);
      larger.set(this.#next);
      this.#next = larger;
    }
    this.#rests.push(rest);
    this.#ready.push(false);
    this.#states.set(rest, state);
    return state;
  }

  rest(state: number): Expression {
    return this.#rests[state]!;
  }

  /** The states after each byte, at 256 · state; valid until the next call. */
  row(state: number): Int32Array {
    if (!this.#ready[state]) this.#fill(state);
    return this.#next;
  }

  step(state: number, byte: number): number {
    return state === DEAD ? DEAD : this.row(state)[state * 256 + byte]!;
  }

  /** Forgets the states when there are many. */
  tidy(): void {
    if (this.#rests.length < SOFT_LIMIT) return;
    this.#rests = [];
    this.#ready = [];
    this.#states = new Map();
    this.#generation++;
  }

  #fill(state: number): void {
    const rest = this.#rests[state]!;
    const cuts = this.#expressions.cuts(rest);
    for (let low = 0; low < 256;) {
      let end = low + 1;
      while (end < 256 && !has(cuts, end)) end++;
      const next = this.stateOf(this.#expressions.after(rest, low));
      this.#next.fill(next, state * 256 + low, state * 256 + end);
      low = end;
    }
    this.#ready[state] = true;
  }
}
