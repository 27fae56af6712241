/** JSON of a schema within a number of tokens. */
import type { CheckpointTokenizer } from '../../data/index.ts';
import { GenerationError } from '../../core/index.ts';
import type { ConstraintFactory } from './constraint.ts';
import { inTime } from './in-time.ts';

/** The end needs more tokens than the shortest answer: a model may divide words otherwise. */
const RESERVE = 1.5;

interface Schema {
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minItems?: number;
}

/**
 * A constraint on JSON that has come to its end after `maxNewTokens`: once the rest is needed for it, only what must be is
 * written. What schemas say by `anyOf` and `$ref` is not reckoned with; their answers may be cut off.
 * @param schema that the constraint was made of
 * @throws GenerationError where not even the shortest answer has room
 */
export function wholeJson(
  constraint: ConstraintFactory,
  schema: unknown,
  tokenizer: Pick<CheckpointTokenizer, 'encode' | 'tokenBytes'>,
  maxNewTokens: number,
): ConstraintFactory {
  const { length } = tokenizer.encode(JSON.stringify(shortestOf(schema as Schema)), { specialTokens: false });
  const last = maxNewTokens - Math.ceil(length * RESERVE);
  if (last < 0)
    throw new GenerationError(
      `an answer of this form takes ${length} tokens at least, and there is room for ${Math.max(0, maxNewTokens)}`,
      'allow more tokens, shorten what is asked, or use a model that holds more',
    );
  return inTime(constraint, tokenizer.tokenBytes(), last);
}

/** About the shortest value of a schema. */
function shortestOf({
  const: constant,
  enum: choices,
  type,
  properties = {},
  required,
  items,
  minItems,
}: Schema): unknown {
  if (constant !== undefined) return constant;
  // Any of them may be chosen.
  if (choices !== undefined) return choices.toSorted((a, b) => String(b).length - String(a).length)[0];
  if (type === 'object') {
    const written = Object.entries(properties).filter(([key]) => required?.includes(key) ?? true);
    return Object.fromEntries(written.map(([key, value]) => [key, shortestOf(value)]));
  }
  if (type === 'array') return Array.from({ length: minItems ?? 0 }, () => shortestOf(items ?? {}));
  return type === 'boolean' ? false : type === 'string' ? '#000000' : 0;
}
