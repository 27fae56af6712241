// V vocabulary
import { GenerationError } from '../../core/index.ts';
import { Automaton, DEAD } from './automaton.ts';
import type { Constraint, ConstraintFactory } from './constraint.ts';
import type { Expression, Expressions } from './expression.ts';
import type { TokenTree } from './vocabulary.ts';

/** Memory for sets of allowed tokens that are kept. */
const MASK_BYTES = 64 * 2 ** 20;

/** An expression over a vocabulary. What one answer found out about allowed tokens serves the others. */
export class Grammar implements ConstraintFactory {
  readonly #tree: TokenTree;
  readonly #automaton: Automaton;
  readonly #start: Expression;
  readonly #masks = new Map<number, Uint32Array>();
  #generation = 0;

  constructor(expressions: Expressions, start: Expression, tree: TokenTree) {
    this.#automaton = new Automaton(expressions);
    this.#start = start;
    this.#tree = tree;
  }

  start(endTokens: readonly number[]): Constraint {
    return new GrammarConstraint(this, this.#start, endTokens);
  }

  /** The tokens that may come where `rest` is left, one bit each. */
  allowed(rest: Expression): Uint32Array {
    this.#automaton.tidy();
    const { generation } = this.#automaton;
    if (generation !== this.#generation || this.#masks.size * this.#tree.words * 4 > MASK_BYTES) this.#masks.clear();
    this.#generation = generation;
    const state = this.#automaton.stateOf(rest);
    let mask = this.#masks.get(state);
    if (mask === undefined) {
      mask = this.#tree.allowed(this.#automaton, state);
      this.#masks.set(state, mask);
    }
    return mask;
  }

  /** What is left after a token, or nothing where it was not allowed. */
  after(rest: Expression, token: number): Expression | undefined {
    let state = this.#automaton.stateOf(rest);
    const bytes = this.#tree.bytes[token];
    if (bytes === undefined || bytes.length === 0) return undefined;
    for (const byte of bytes) state = this.#automaton.step(state, byte);
    return state === DEAD ? undefined : this.#automaton.rest(state);
  }
}

class GrammarConstraint implements Constraint {
  readonly #grammar: Grammar;
  readonly #endTokens: readonly number[];
  #rest: Expression;
  #ended = false;

  constructor(grammar: Grammar, start: Expression, endTokens: readonly number[]) {
    this.#grammar = grammar;
    this.#rest = start;
    this.#endTokens = endTokens;
  }

  get finished(): boolean {
    return this.#ended || this.#rest.kind === 'empty';
  }

  mask(logits: Float32Array): void {
    const allowed = this.#grammar.allowed(this.#rest);
    const ends = this.#rest.nullable
      ? this.#endTokens.map((token) => [token, logits[token] ?? -Infinity] as const)
      : [];
    const known = Math.min(logits.length, allowed.length * 32);
    let any = ends.length > 0;
    for (let word = 0; word * 32 < known; word++) {
      const bits = allowed[word]!;
      if (bits !== 0) any = true;
      // All 32, or none, are common.
      if (bits === 0xffff_ffff) continue;
      const end = Math.min(known, word * 32 + 32);
      if (bits === 0) logits.fill(-Infinity, word * 32, end);
      else
        for (let token = word * 32; token < end; token++)
          if (((bits >>> (token & 31)) & 1) === 0) logits[token] = -Infinity;
    }
    logits.fill(-Infinity, known);
    for (const [token, logit] of ends) logits[token] = logit;
    if (!any)
      throw new GenerationError(
        'no token of the vocabulary can go on with a text that the constraint allows',
        'the vocabulary lacks letters that the constraint asks for; use others',
      );
  }

  accept(token: number): void {
    const rest = this.#grammar.after(this.#rest, token);
    if (rest !== undefined) this.#rest = rest;
    else if (this.#rest.nullable && this.#endTokens.includes(token)) this.#ended = true;
    else
      throw new GenerationError(
        `the token ${token} does not fit the constraint`,
        'choose among those that mask leaves',
      );
  }
}
