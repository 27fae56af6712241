/** JSON of a schema within a number of tokens. */
import type { CheckpointTokenizer } from '../../data/index.ts';
import { GenerationError } from '../../core/index.ts';
import type { ConstraintFactory } from './constraint.ts';
import { inTime } from './in-time.ts';

/** The end needs more tokens than were reckoned: a model may divide words otherwise. */
const RESERVE = 1.5;
/** Tokens that are kept for the end of what has no form, and for a text of a pattern. */
const FREE = 32;

type Schema = Readonly<Record<string, unknown>>;

/** Tokens of a value. */
interface Length {
  /** Of the shortest. */
  readonly least: number;
  /** Of what must still be written of a value that was begun at the wrong time. */
  readonly end: number;
}

/**
 * A constraint on JSON that has come to its end after `maxNewTokens`: once the rest is needed for it, only what must be is
 * written. Values without a form, and forms within themselves, may be nested deeper than is reckoned with, and are cut off then.
 * @param schema that the constraint was made of
 * @throws GenerationError where not even the shortest answer has room
 */
export function wholeJson(
  constraint: ConstraintFactory,
  schema: unknown,
  tokenizer: Pick<CheckpointTokenizer, 'encode' | 'tokenBytes'>,
  maxNewTokens: number,
): ConstraintFactory {
  const { least, end } = new Lengths(schema, tokenizer).of(schema);
  if (least > maxNewTokens)
    throw new GenerationError(
      `an answer of this form takes ${least} tokens at least, and there is room for ${Math.max(0, maxNewTokens)}`,
      'allow more tokens, shorten what is asked, or use a model that holds more',
    );
  return inTime(constraint, tokenizer.tokenBytes(), Math.max(0, maxNewTokens - Math.ceil(end * RESERVE)));
}

/** Reckons without writing any value out: a schema may ask for a million items. */
class Lengths {
  readonly #root: unknown;
  readonly #tokenizer: Pick<CheckpointTokenizer, 'encode'>;
  readonly #known = new Map<unknown, Length>();

  constructor(root: unknown, tokenizer: Pick<CheckpointTokenizer, 'encode'>) {
    this.#root = root;
    this.#tokenizer = tokenizer;
  }

  of(schema: unknown): Length {
    const known = this.#known.get(schema);
    if (known !== undefined) return known;
    // Where a schema comes back to itself.
    this.#known.set(schema, { least: 1, end: FREE });
    const found = this.#reckon(isSchema(schema) ? schema : {});
    this.#known.set(schema, found);
    return found;
  }

  #reckon(schema: Schema): Length {
    const { const: constant, enum: choices, $ref: reference, anyOf, oneOf, pattern } = schema;
    if (constant !== undefined) return this.#literals([constant]);
    if (Array.isArray(choices)) return this.#literals(choices);
    if (typeof reference === 'string') return this.of(this.#resolved(reference));
    const alternatives = anyOf ?? oneOf;
    if (Array.isArray(alternatives)) return widest(alternatives.map((each) => this.of(each)));
    const { type, properties, items } = schema;
    const types: readonly unknown[] = Array.isArray(type) ? type : [type];
    if (types.length > 1) return widest(types.map((one) => this.#reckon({ ...schema, type: one })));
    if (type === 'object' || (type === undefined && isSchema(properties))) return this.#object(schema);
    if (type === 'array' || (type === undefined && items !== undefined)) {
      const item = this.of(items ?? {});
      const count = size(schema['minItems']);
      return { least: 2 + count * (item.least + 1), end: 2 + Math.max(1, count) * (item.end + 1) };
    }
    if (type === 'string') {
      const length = 2 + size(schema['minLength']);
      return { least: length, end: length + (pattern === undefined ? 0 : FREE) };
    }
    return type === undefined ? { least: 1, end: FREE } : { least: 1, end: 2 };
  }

  #object({ properties, required, additionalProperties = true }: Schema): Length {
    const all = new Map(Object.entries(isSchema(properties) ? properties : {}));
    const wanted = new Set(Array.isArray(required) ? required : []);
    for (const key of wanted) if (!all.has(String(key))) all.set(String(key), additionalProperties);
    let [least, end] = [2, all.size === 0 ? FREE : 2];
    for (const [key, value] of all) {
      const name = this.#tokens(`${JSON.stringify(key)}: `) + 1;
      const one = this.of(value);
      if (wanted.has(key)) least += name + one.least;
      end += name + one.end;
    }
    return { least, end };
  }

  /** Any of them may be chosen. */
  #literals(values: readonly unknown[]): Length {
    return widest(
      values.map((value) => {
        const tokens = this.#tokens(JSON.stringify(value));
        return { least: tokens, end: tokens };
      }),
    );
  }

  #tokens(text: string): number {
    return this.#tokenizer.encode(text, { specialTokens: false }).length;
  }

  /** @param reference `#/$defs/name`; the constraint has seen that it leads somewhere */
  #resolved(reference: string): unknown {
    const keys = reference.split('/').slice(1);
    return keys.reduce<unknown>((found, key) => {
      const name = decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~');
      return isSchema(found) || Array.isArray(found) ? (found as Schema)[name] : undefined;
    }, this.#root);
  }
}

function widest(lengths: readonly Length[]): Length {
  return {
    least: lengths.reduce((least, one) => Math.min(least, one.least), Infinity),
    end: lengths.reduce((most, one) => Math.max(most, one.end), 0),
  };
}

function size(value: unknown): number {
  return typeof value === 'number' && value > 0 ? value : 0;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
