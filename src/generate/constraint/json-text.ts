/** The parts of JSON (RFC 8259) as expressions. A space may follow commas and colons; no other white space is written. */
import { between, type CodePoints, letter, normalized, without, within } from './code-points.ts';
import type { Expression, Expressions } from './expression.ts';
import type { Target } from './recursion.ts';

const SHORT: Readonly<Record<number, string>> = {
  0x08: '\\b',
  0x09: '\\t',
  0x0a: '\\n',
  0x0c: '\\f',
  0x0d: '\\r',
  0x22: '\\"',
  0x5c: '\\\\',
};
/** As many digits as double precision holds for certain. */
const DIGITS = 15;
/** Where a number with a fraction has bounds, it stays exact with these. */
const FRACTION_DIGITS = 6;
const LARGEST_WITH_FRACTION = 1e9;
const LARGEST = 10 ** DIGITS - 1;

export interface NumberBounds {
  readonly low: number;
  readonly high: number;
  /** Whether the bounds themselves are left out. */
  readonly aboveLow: boolean;
  readonly belowHigh: boolean;
}

export class JsonText {
  readonly #e: Expressions;
  readonly comma: Expression;
  readonly colon: Expression;
  /** One letter of a string, escaped or not. */
  readonly letter: Expression;
  readonly string: Expression;
  /** What stands for every value at every depth. */
  readonly any: Expression;
  readonly anyTarget: Target = { name: 'any value' };

  constructor(expressions: Expressions) {
    const e = expressions;
    this.#e = e;
    const space = e.optional(e.byte(0x20));
    this.comma = e.sequence(e.text(','), space);
    this.colon = e.sequence(e.text(':'), space);
    this.letter = this.#anyLetter();
    this.string = this.quoted(e.repeat(this.letter, 0, Infinity));
    this.any = e.reference(this.anyTarget);
    this.anyTarget.expression = e.choice(
      this.string,
      this.number(),
      ...[true, false, null].map((value) => this.constant(value)),
      this.array(this.any, 0, Infinity),
      this.map(this.any),
    );
  }

  constant(value: unknown): Expression {
    return this.#e.text(JSON.stringify(value));
  }

  quoted(letters: Expression): Expression {
    return this.#e.sequence(this.#e.text('"'), letters, this.#e.text('"'));
  }

  /** One letter of a set, as strings write it. */
  setLetter(set: CodePoints): Expression {
    const e = this.#e;
    const ranges = normalized(set);
    const escaped = [0x22, 0x5c].filter((point) => within(ranges, point, point).length > 0);
    for (const [low, high] of within(ranges, 0, 0x1f))
      for (let point = low; point <= high; point++) escaped.push(point);
    const plain = within(ranges, 0x20, 0x10_ffff);
    const raw = without([...without(plain), [0x22, 0x22], [0x5c, 0x5c]]);
    return e.choice(
      letter(e, raw),
      ...escaped.map((point) => e.text(SHORT[point] ?? `\\u${point.toString(16).padStart(4, '0')}`)),
    );
  }

  array(item: Expression, least: number, most: number): Expression {
    const e = this.#e;
    const empty = least === 0 ? e.text('[]') : e.nothing;
    if (most === 0) return empty;
    const more = e.repeat(e.sequence(this.comma, item), Math.max(0, least - 1), most - 1);
    return e.choice(empty, e.sequence(e.text('['), item, more, e.text(']')));
  }

  /** An object with any keys. */
  map(value: Expression): Expression {
    const e = this.#e;
    const entry = e.sequence(this.string, this.colon, value);
    const more = e.repeat(e.sequence(this.comma, entry), 0, Infinity);
    return e.choice(e.text('{}'), e.sequence(e.text('{'), entry, more, e.text('}')));
  }

  /** An object whose keys come in the order given. */
  object(properties: readonly { key: string; value: Expression; required: boolean }[]): Expression {
    const e = this.#e;
    const close = e.text('}');
    // What may come where nothing was written yet, and where something was.
    let [first, later] = [close, close];
    for (const { key, value, required } of properties.toReversed()) {
      const entry = e.sequence(this.constant(key), this.colon, value);
      const written = e.sequence(entry, later);
      first = e.choice(written, required ? e.nothing : first);
      later = e.choice(e.sequence(this.comma, written), required ? e.nothing : later);
    }
    return e.sequence(e.text('{'), first);
  }

  number(): Expression {
    const e = this.#e;
    const digit = this.#digit();
    const exponent = e.sequence(e.choice(e.text('e'), e.text('E')), e.optional(e.choice(e.text('+'), e.text('-'))));
    return e.sequence(
      e.optional(e.text('-')),
      e.choice(e.text('0'), e.sequence(e.byte(0x31, 0x39), e.repeat(digit, 0, DIGITS - 1))),
      e.optional(e.sequence(e.text('.'), e.repeat(digit, 1, DIGITS))),
      e.optional(e.sequence(exponent, e.repeat(digit, 1, 2))),
    );
  }

  /** Whole numbers up to 15 digits, and with `fraction` those between them, up to 10⁹ with 6 digits behind the point. */
  bounded({ low, high, aboveLow, belowHigh }: NumberBounds, fraction: boolean): Expression {
    const e = this.#e;
    const positive =
      low > 0
        ? this.#magnitude(low, high, aboveLow, belowHigh, fraction)
        : this.#magnitude(0, high, low === 0 && aboveLow, belowHigh, fraction);
    const negative =
      high < 0
        ? this.#magnitude(-high, -low, belowHigh, aboveLow, fraction)
        : // Nothing writes −0.
          this.#magnitude(0, -low, true, aboveLow, fraction);
    return e.choice(positive, e.sequence(e.text('-'), negative));
  }

  #magnitude(low: number, high: number, above: boolean, below: boolean, fraction: boolean): Expression {
    const e = this.#e;
    const ceiling = Math.ceil(low);
    const floor = Math.floor(Math.min(high, LARGEST));
    const first = above && ceiling === low ? ceiling + 1 : ceiling;
    const last = below && floor === high ? floor - 1 : floor;
    const whole = this.#integers(first, last);
    if (!fraction) return whole;
    const digit = this.#digit();
    const end = Math.min(floor, LARGEST_WITH_FRACTION) - 1;
    const digits = e.sequence(e.text('.'), e.repeat(digit, 1, FRACTION_DIGITS));
    const parts = [whole, e.sequence(this.#integers(first, end), digits)];
    if (first > ceiling && ceiling <= end) {
      const zeros = e.repeat(e.text('0'), 0, FRACTION_DIGITS - 1);
      const nonzero = e.sequence(zeros, e.byte(0x31, 0x39), e.repeat(digit, 0, FRACTION_DIGITS));
      parts.push(e.sequence(this.#integers(ceiling, ceiling), e.text('.'), nonzero));
    }
    return e.choice(...parts);
  }

  #integers(first: number, last: number): Expression {
    const e = this.#e;
    const options: Expression[] = [];
    for (let length = 1; length <= DIGITS; length++) {
      const low = Math.max(first, length === 1 ? 0 : 10 ** (length - 1));
      const high = Math.min(last, 10 ** length - 1);
      if (low <= high) options.push(between(e, asciiOf(low), asciiOf(high), [0x30, 0x39]));
    }
    return e.choice(...options);
  }

  #digit(): Expression {
    return this.#e.byte(0x30, 0x39);
  }

  #anyLetter(): Expression {
    const e = this.#e;
    const raw = letter(e, [
      [0x20, 0x21],
      [0x23, 0x5b],
      [0x5d, 0x10_ffff],
    ]);
    const hex = e.choice(e.byte(0x30, 0x39), e.byte(0x41, 0x46), e.byte(0x61, 0x66));
    const [d, dD] = [e.choice(e.text('d'), e.text('D')), e.choice(e.byte(0x30, 0x37))];
    // No surrogates, of which a letter would need two: \uD8xx to \uDFxx.
    const first = e.choice(
      e.byte(0x30, 0x39),
      e.byte(0x41, 0x43),
      e.byte(0x45, 0x46),
      e.byte(0x61, 0x63),
      e.byte(0x65, 0x66),
    );
    const point = e.choice(e.sequence(first, hex), e.sequence(d, dD));
    const escapes = e.choice(...['"', '\\', '/', 'b', 'f', 'n', 'r', 't'].map((sign) => e.text(sign)));
    return e.choice(raw, e.sequence(e.text('\\'), e.choice(escapes, e.sequence(e.text('u'), point, hex, hex))));
  }
}

function asciiOf(value: number): number[] {
  return [...new TextEncoder().encode(String(value))];
}
