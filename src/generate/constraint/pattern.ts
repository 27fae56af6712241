/** Regular expressions as people write them, as far as they are regular. */
import { GenerationError } from '../../core/index.ts';
import { ALL, type CodePoints, normalized, without } from './code-points.ts';
import type { Expression, Expressions } from './expression.ts';

const MAX_LENGTH = 4000;
const MAX_DEPTH = 50;
const MAX_COUNT = 100_000;

const DIGITS: CodePoints = [[0x30, 0x39]];
const WORD: CodePoints = [...DIGITS, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]];
const SPACE: CodePoints = [0x20, 0xa0, 0x1680, 0x202f, 0x205f, 0x3000, 0xfeff]
  .map((point): readonly [number, number] => [point, point])
  .concat([
    [0x09, 0x0d],
    [0x2000, 0x200a],
    [0x2028, 0x2029],
  ]);
const LINE_ENDS: CodePoints = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];
const CLASSES: Readonly<Record<string, CodePoints>> = {
  d: DIGITS,
  w: WORD,
  s: SPACE,
  D: without(DIGITS),
  W: without(WORD),
  S: without(SPACE),
};
const CONTROLS: Readonly<Record<string, number>> = { n: 0x0a, r: 0x0d, t: 0x09, f: 0x0c, v: 0x0b, '0': 0 };

export interface PatternOptions {
  /** One letter of a set, as it is written in the text. */
  readonly letter: (set: CodePoints) => Expression;
  /** Whether the pattern may stand anywhere in the text, as in JSON Schema; else the text is the pattern and no more. */
  readonly search: boolean;
}

/**
 * JavaScript's syntax with the flag `u`. `^` and `$` may stand at both ends only.
 * @throws GenerationError naming what is not regular, wrong, or too large
 */
export function patternExpression(expressions: Expressions, pattern: string, options: PatternOptions): Expression {
  return new PatternParser(expressions, pattern, options).parse();
}

class PatternParser {
  readonly #expressions: Expressions;
  readonly #pattern: string;
  readonly #letters: readonly string[];
  readonly #options: PatternOptions;
  #at = 0;

  constructor(expressions: Expressions, pattern: string, options: PatternOptions) {
    this.#expressions = expressions;
    this.#pattern = pattern;
    this.#letters = [...pattern];
    this.#options = options;
    if (this.#letters.length > MAX_LENGTH)
      throw new GenerationError(
        `a pattern of ${this.#letters.length} letters is longer than the ${MAX_LENGTH} that are taken`,
        'make it simpler, or give choices',
      );
  }

  parse(): Expression {
    const result = this.#alternatives(0);
    if (this.#at < this.#letters.length) throw this.#error('closes a group that is not open');
    if (result.kind === 'nothing') throw this.#error('matches no text');
    return result;
  }

  #alternatives(depth: number): Expression {
    if (depth > MAX_DEPTH) throw this.#error(`nests groups more than ${MAX_DEPTH} deep`);
    const options = [this.#branch(depth)];
    while (this.#take('|')) options.push(this.#branch(depth));
    return this.#expressions.choice(...options);
  }

  #branch(depth: number): Expression {
    const parts: Expression[] = [];
    const anything = this.#expressions.repeat(this.#options.letter(ALL), 0, Infinity);
    const open = depth === 0 && this.#options.search;
    if (!(depth === 0 && this.#take('^')) && open) parts.push(anything);
    let ended = false;
    while (this.#peek() !== undefined && this.#peek() !== '|' && this.#peek() !== ')') {
      if (depth === 0 && this.#peek() === '$' && [undefined, '|'].includes(this.#letters[this.#at + 1])) {
        this.#at++;
        ended = true;
      } else parts.push(this.#quantified(depth));
    }
    if (!ended && open) parts.push(anything);
    return this.#expressions.sequence(...parts);
  }

  #quantified(depth: number): Expression {
    const atom = this.#atom(depth);
    const bounds = this.#bounds();
    if (bounds === undefined) return atom;
    // Whether it takes much or little first does not change which texts match.
    this.#take('?');
    if (this.#bounds() !== undefined) throw this.#error('repeats a repetition');
    return this.#expressions.repeat(atom, ...bounds);
  }

  #bounds(): [number, number] | undefined {
    if (this.#take('*')) return [0, Infinity];
    if (this.#take('+')) return [1, Infinity];
    if (this.#take('?')) return [0, 1];
    if (!this.#take('{')) return undefined;
    const least = this.#integer();
    const open = this.#take(',');
    const most = open ? (this.#peek() === '}' ? Infinity : this.#integer()) : least;
    if (!this.#take('}')) throw this.#error('has a { without its }');
    if (most < least) throw this.#error(`repeats from ${least} to ${most} times`);
    return [least, most];
  }

  #integer(): number {
    let digits = '';
    while (/^[0-9]$/.test(this.#peek() ?? '')) digits += this.#next();
    const value = Number(digits);
    if (digits === '') throw this.#error('has a { without a number; write \\{ for the sign');
    if (value > MAX_COUNT) throw this.#error(`repeats ${digits} times, more than ${MAX_COUNT}`);
    return value;
  }

  #atom(depth: number): Expression {
    const sign = this.#next();
    switch (sign) {
      case '(':
        return this.#group(depth);
      case '[':
        return this.#options.letter(this.#set());
      case '.':
        return this.#options.letter(without(LINE_ENDS));
      case '\\':
        return this.#options.letter(this.#escaped());
      case '^':
      case '$':
        throw this.#error(`has a ${sign} within; it may stand at the ends only`);
      case '*':
      case '+':
      case '?':
      case '{':
      case '}':
      case ']':
        throw this.#error(`has a ${sign} that belongs to nothing; write \\${sign} for the sign`);
      default:
        return this.#options.letter(single(sign.codePointAt(0)!));
    }
  }

  #group(depth: number): Expression {
    if (this.#take('?')) {
      if (this.#take('<')) {
        if (this.#peek() === '=' || this.#peek() === '!') throw this.#error('looks behind, which is not regular');
        while (this.#next() !== '>');
      } else if (!this.#take(':')) throw this.#error(`has a group (?${this.#peek() ?? ''}, which is not taken`);
    }
    const inner = this.#alternatives(depth + 1);
    if (!this.#take(')')) throw this.#error('has a ( without its )');
    return inner;
  }

  #set(): CodePoints {
    const negated = this.#take('^');
    const ranges: (readonly [number, number])[] = [];
    while (!this.#take(']')) {
      const low = this.#member();
      if (this.#peek() !== '-' || this.#letters[this.#at + 1] === ']') {
        ranges.push(...low);
        continue;
      }
      this.#at++;
      const high = this.#member();
      const [from, to] = [low[0]![0], high.at(-1)![1]];
      if (low.length > 1 || high.length > 1 || low[0]![1] !== from || high[0]![0] !== to || to < from)
        throw this.#error('has a range in [ ] whose ends are not two letters in order');
      ranges.push([from, to]);
    }
    return negated ? without(ranges) : normalized(ranges);
  }

  #member(): CodePoints {
    const sign = this.#next();
    if (sign !== '\\') return single(sign.codePointAt(0)!);
    if (this.#take('b')) return single(8);
    return this.#escaped();
  }

  #escaped(): CodePoints {
    const sign = this.#next();
    const known = CLASSES[sign];
    if (known !== undefined) return known;
    const control = CONTROLS[sign];
    if (control !== undefined && !(sign === '0' && /^[0-9]$/.test(this.#peek() ?? ''))) return single(control);
    if (sign === 'x') return single(this.#hexadecimal(2));
    if (sign === 'u') return single(this.#unicode());
    if (/^[A-Za-z0-9]$/.test(sign)) throw this.#error(`has a \\${sign}, which is not taken`);
    return single(sign.codePointAt(0)!);
  }

  #unicode(): number {
    if (!this.#take('{')) {
      const first = this.#hexadecimal(4);
      if (first < 0xd800 || first > 0xdbff || this.#peek() !== '\\') return this.#scalar(first);
      this.#at += 2;
      return this.#scalar((first - 0xd800) * 0x400 + (this.#hexadecimal(4) - 0xdc00) + 0x1_0000);
    }
    let digits = '';
    for (let sign = this.#next(); sign !== '}'; sign = this.#next()) digits += sign;
    if (!/^[0-9A-Fa-f]{1,6}$/.test(digits)) throw this.#error(`has a \\u{${digits.slice(0, 10)}}`);
    return this.#scalar(Number.parseInt(digits, 16));
  }

  #scalar(point: number): number {
    if (point > 0x10_ffff || (point >= 0xd800 && point <= 0xdfff) || point < 0)
      throw this.#error('names a letter that Unicode does not have');
    return point;
  }

  #hexadecimal(count: number): number {
    let digits = '';
    for (let i = 0; i < count; i++) digits += this.#next();
    if (!/^[0-9A-Fa-f]+$/.test(digits)) throw this.#error(`has a number ${digits} that is not hexadecimal`);
    return Number.parseInt(digits, 16);
  }

  #peek(): string | undefined {
    return this.#letters[this.#at];
  }

  #take(sign: string): boolean {
    if (this.#peek() !== sign) return false;
    this.#at++;
    return true;
  }

  #next(): string {
    const sign = this.#letters[this.#at++];
    if (sign === undefined) throw this.#error('ends too early');
    return sign;
  }

  #error(what: string): GenerationError {
    const shown = this.#pattern.length > 80 ? `${this.#pattern.slice(0, 80)}…` : this.#pattern;
    return new GenerationError(
      `the pattern ${JSON.stringify(shown)} ${what}`,
      `it was read to letter ${Math.min(this.#at, this.#letters.length)}; lookarounds, backreferences and word boundaries cannot be used`,
    );
  }
}

function single(point: number): CodePoints {
  return [[point, point]];
}
