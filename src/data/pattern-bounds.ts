/** Patterns in tokenizer.json are programs from outside: refuses those that may take for ever, or make texts grow. */

/** Repetitions without end in one alternative: each may multiply the time by the length of a text. Tokenizers have two. */
const MAX_ENDLESS = 3;
/** How many times longer a text may become by what is put in place of its letters. */
const MAX_GROWTH = 100;
const MAX_PATTERN = 20_000;

interface Group {
  /** Whether it can match in several ways: a repetition of variable length, or alternatives. */
  variable: boolean;
  /** In the present alternative, those of groups within included. */
  endless: number;
  mostEndless: number;
}

/**
 * Why a pattern is refused; undefined where it is not. Backtracking takes exponential time where something that can match
 * in several ways is itself repeated, as in `(a+)+`, and time by a power of the length where repetitions follow each other.
 * Stricter than need be (`(?:a|b)+` is harmless), but no tokenizer that is known to us has such.
 */
export function refusalOf(source: string): string | undefined {
  if (source.length > MAX_PATTERN) return `longer than ${MAX_PATTERN} letters`;
  const open: Group[] = [{ variable: false, endless: 0, mostEndless: 0 }];
  /** The group that ended just before the present position. */
  let closed: Group | undefined;
  for (let i = 0; i < source.length;) {
    const group = open.at(-1)!;
    const letter = source[i]!;
    const quantifier = /^(?:[*+?]|\{(\d*)(,?)(\d*)\})[?+]?/.exec(source.slice(i, i + 40));
    if (quantifier !== null && !(letter === '?' && source[i - 1] === '(')) {
      const { least, most } = range(quantifier);
      if (closed?.variable === true && most > 1) return 'a repetition of what can match in several ways';
      if (least !== most) group.variable = true;
      if (most === Infinity) group.endless++;
      i += quantifier[0].length;
      closed = undefined;
      continue;
    }
    closed = undefined;
    if (letter === '\\') i += 2;
    else if (letter === '[') i = endOfClass(source, i);
    else {
      if (letter === '(') open.push({ variable: false, endless: 0, mostEndless: 0 });
      else if (letter === '|') {
        group.variable = true;
        group.mostEndless = Math.max(group.mostEndless, group.endless);
        group.endless = 0;
      } else if (letter === ')' && open.length > 1) {
        closed = open.pop()!;
        const outer = open.at(-1)!;
        outer.variable ||= closed.variable;
        outer.endless += Math.max(closed.mostEndless, closed.endless);
      }
      i++;
    }
    if (open.some(({ endless }) => endless > MAX_ENDLESS)) return `more than ${MAX_ENDLESS} repetitions without end`;
  }
  return open[0]!.endless > MAX_ENDLESS ? `more than ${MAX_ENDLESS} repetitions without end` : undefined;
}

/**
 * Goes over the parts of a tokenizer: normalizer, pre-tokenizer, post-processor, decoder.
 * @throws Error saying which pattern is refused
 */
export function checkPatterns(parts: readonly unknown[]): void {
  for (const part of parts) {
    const growth = growthOf(part);
    if (growth > MAX_GROWTH) throw new Error(`replacements that make a text ${growth} times longer`);
  }
}

/** Checks every pattern within. @returns how many times longer all replacements together can make a text */
function growthOf(part: unknown): number {
  if (typeof part !== 'object' || part === null) return 1;
  if (Array.isArray(part)) return part.reduce<number>((product, item) => product * growthOf(item), 1);
  const { Regex: regex, pattern, content } = part as Record<string, unknown>;
  if (typeof regex === 'string') {
    const refusal = refusalOf(regex);
    if (refusal !== undefined)
      throw new Error(`the pattern ${JSON.stringify(regex.slice(0, 60))} is refused: ${refusal}`);
  }
  const own = typeof content === 'string' && typeof pattern === 'object' ? content.length / literalLength(pattern) : 1;
  return Object.values(part).reduce<number>((product, item) => product * growthOf(item), Math.max(1, own));
}

/** Letters that a replacement takes away: those of a plain text, or at least one. */
function literalLength(pattern: object | null): number {
  const text = (pattern as Record<string, unknown> | null)?.['String'];
  return typeof text === 'string' ? Math.max(1, text.length) : 1;
}

function range([text, least = '', comma = '', most = '']: RegExpExecArray): { least: number; most: number } {
  if (text.startsWith('*')) return { least: 0, most: Infinity };
  if (text.startsWith('+')) return { least: 1, most: Infinity };
  if (text.startsWith('?')) return { least: 0, most: 1 };
  const from = Number(least);
  return { least: from, most: most !== '' ? Number(most) : comma === '' ? from : Infinity };
}

/** The position after a class of letters, with the classes within it. */
function endOfClass(source: string, start: number): number {
  let depth = 0;
  for (let i = start; i < source.length; i++) {
    if (source[i] === '\\') i++;
    else if (source[i] === '[') depth++;
    else if (source[i] === ']' && --depth === 0) return i + 1;
  }
  return source.length;
}
