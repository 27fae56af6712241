/**
 * Sets of byte strings as expressions, and what may follow a byte (Brzozowski 1964, "Derivatives of Regular Expressions";
 * Owens, Reppy and Turon 2009, "Regular-expression derivatives re-examined"). Counted repetitions stay counters, and a
 * reference stands for an expression that is defined elsewhere, so that nested structures such as JSON are expressions too:
 * their stack is the tail of a sequence.
 */
import { GenerationError } from '../../core/index.ts';
import { boundaries, type ByteSet, byteRange, has, union } from './byte-set.ts';

interface Common {
  /** Equal expressions of one {@link Expressions} have one number, as long as it remembers them. */
  readonly id: number;
  /** Whether the empty string is among the strings. */
  readonly nullable: boolean;
}

/** `nothing` holds no string, `empty` only the empty one; a `sequence`'s head is never itself a sequence. */
export type Expression =
  | (Common & { readonly kind: 'nothing' | 'empty' })
  | (Common & { readonly kind: 'byte'; readonly set: ByteSet })
  | (Common & { readonly kind: 'sequence'; readonly head: Expression; readonly tail: Expression })
  | (Common & { readonly kind: 'choice'; readonly options: readonly Expression[] })
  | (Common & { readonly kind: 'repeat'; readonly item: Expression; readonly least: number; readonly most: number })
  | (Common & { readonly kind: 'reference'; readonly target: { expression?: Expression } });

/** Ways at once in which a text may be read; more are taken for an attack, or a mistake. */
const MAX_OPTIONS = 4000;
/** Expressions that are remembered; then all are forgotten, which costs time but not correctness. */
const MAX_REMEMBERED = 200_000;

/** Makes expressions, in a normal form that keeps their number small. */
export class Expressions {
  readonly nothing: Expression = { kind: 'nothing', id: 0, nullable: false };
  readonly empty: Expression = { kind: 'empty', id: 1, nullable: true };
  #nextId = 2;
  readonly #known = new Map<string, Expression>();
  readonly #cuts = new Map<Expression, ByteSet>();

  byte(low: number, high: number = low): Expression {
    return this.bytes(byteRange(low, high));
  }

  bytes(set: ByteSet): Expression {
    if (set.every((word) => word === 0)) return this.nothing;
    return this.#make(`b${set.join()}`, (id) => ({ kind: 'byte', id, nullable: false, set }));
  }

  /** The bytes of one string, in UTF-8. */
  text(text: string): Expression {
    return this.literal(new TextEncoder().encode(text));
  }

  literal(bytes: Uint8Array): Expression {
    let result = this.empty;
    for (const byte of bytes.toReversed()) result = this.sequence(this.byte(byte), result);
    return result;
  }

  sequence(...parts: readonly Expression[]): Expression {
    let tail = this.empty;
    for (const part of parts.toReversed()) tail = this.#pair(part, tail);
    return tail;
  }

  choice(...options: readonly Expression[]): Expression {
    const found = new Map<number, Expression>();
    let bytes: ByteSet | undefined;
    const add = (option: Expression): void => {
      if (option.kind === 'choice') option.options.forEach(add);
      else if (option.kind === 'byte') bytes = bytes === undefined ? option.set : union(bytes, option.set);
      else if (option.kind !== 'nothing') found.set(option.id, option);
    };
    options.forEach(add);
    if (bytes !== undefined) {
      const option = this.bytes(bytes);
      found.set(option.id, option);
    }
    if (found.size === 0) return this.nothing;
    const sorted = [...found.values()].sort((a, b) => a.id - b.id);
    if (sorted.length === 1) return sorted[0]!;
    if (sorted.length > MAX_OPTIONS)
      throw new GenerationError(
        `a constraint can be read in more than ${MAX_OPTIONS} ways at once`,
        'make its repetitions within repetitions simpler',
      );
    return this.#make(`c${sorted.map(({ id }) => id).join()}`, (id) => ({
      kind: 'choice',
      id,
      nullable: sorted.some(({ nullable }) => nullable),
      options: sorted,
    }));
  }

  optional(item: Expression): Expression {
    return this.choice(item, this.empty);
  }

  /** @param most Infinity for no end */
  repeat(item: Expression, least: number, most: number): Expression {
    if (most < least) return this.nothing;
    if (most === 0 || item.kind === 'empty') return this.empty;
    if (item.kind === 'nothing') return least === 0 ? this.empty : this.nothing;
    if (least === 1 && most === 1) return item;
    const from = item.nullable ? 0 : least;
    return this.#make(`r${item.id},${from},${most}`, (id) => ({
      kind: 'repeat',
      id,
      nullable: from === 0,
      item,
      least: from,
      most,
    }));
  }

  /** Stands for what `target` holds once all is defined; not the empty string. */
  reference(target: { expression?: Expression }): Expression {
    return { kind: 'reference', id: this.#nextId++, nullable: false, target };
  }

  /** The rests of those strings that begin with the byte. */
  after(expression: Expression, byte: number): Expression {
    switch (expression.kind) {
      case 'nothing':
      case 'empty':
        return this.nothing;
      case 'byte':
        return has(expression.set, byte) ? this.empty : this.nothing;
      case 'reference':
        return this.after(definition(expression.target), byte);
      case 'choice':
        return this.choice(...expression.options.map((option) => this.after(option, byte)));
      case 'repeat': {
        const { item, least, most } = expression;
        return this.#pair(this.after(item, byte), this.repeat(item, Math.max(0, least - 1), most - 1));
      }
      case 'sequence': {
        // A loop, since sequences may be long.
        const rests: Expression[] = [];
        let left: Expression = expression;
        while (left.kind === 'sequence') {
          rests.push(this.#pair(this.after(left.head, byte), left.tail));
          if (!left.head.nullable) return this.choice(...rests);
          left = left.tail;
        }
        return this.choice(...rests, this.after(left, byte));
      }
    }
  }

  /** Where {@link after} may change from one byte to the next: all bytes between two cuts have the same rest. */
  cuts(expression: Expression): ByteSet {
    const known = this.#cuts.get(expression);
    if (known !== undefined) return known;
    const made = this.#makeCuts(expression);
    if (this.#cuts.size >= MAX_REMEMBERED) this.#cuts.clear();
    this.#cuts.set(expression, made);
    return made;
  }

  #makeCuts(expression: Expression): ByteSet {
    switch (expression.kind) {
      case 'nothing':
      case 'empty':
        return new Uint32Array(8);
      case 'byte':
        return boundaries(expression.set);
      case 'reference':
        return this.cuts(definition(expression.target));
      case 'choice': {
        const all = new Uint32Array(8);
        for (const option of expression.options) this.cuts(option).forEach((word, i) => (all[i]! |= word));
        return all;
      }
      case 'repeat':
        return this.cuts(expression.item);
      case 'sequence': {
        let all: ByteSet = new Uint32Array(8);
        let left: Expression = expression;
        while (left.kind === 'sequence') {
          all = union(all, this.cuts(left.head));
          if (!left.head.nullable) return all;
          left = left.tail;
        }
        return union(all, this.cuts(left));
      }
    }
  }

  #pair(head: Expression, tail: Expression): Expression {
    if (head.kind === 'nothing' || tail.kind === 'nothing') return this.nothing;
    if (head.kind === 'empty') return tail;
    if (tail.kind === 'empty') return head;
    if (head.kind === 'sequence') {
      const heads: Expression[] = [];
      let left: Expression = head;
      for (; left.kind === 'sequence'; left = left.tail) heads.push(left.head);
      let result = this.#pair(left, tail);
      for (const part of heads.toReversed()) result = this.#pair(part, result);
      return result;
    }
    return this.#make(`s${head.id},${tail.id}`, (id) => ({
      kind: 'sequence',
      id,
      nullable: head.nullable && tail.nullable,
      head,
      tail,
    }));
  }

  #make(key: string, make: (id: number) => Expression): Expression {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const made = make(this.#nextId++);
    if (this.#known.size >= MAX_REMEMBERED) this.#known.clear();
    this.#known.set(key, made);
    return made;
  }
}

export function definition(target: { expression?: Expression }): Expression {
  if (target.expression === undefined) throw new GenerationError('a constraint refers to what is not defined');
  return target.expression;
}
