/** JSON Schema (2020-12) as an expression: a part of the texts that are valid, and nothing else. */
import { GenerationError } from '../../core/index.ts';
import type { Expression, Expressions } from './expression.ts';
import { JsonText } from './json-text.ts';
import { areApart, isObject, type Schema } from './json-schema-choices.ts';
import { patternExpression } from './pattern.ts';
import { checkRecursion, type Target } from './recursion.ts';

const MAX_LETTERS = 500_000;
const MAX_SCHEMAS = 2000;
const MAX_DEPTH = 100;
const MAX_COUNT = 100_000;

/** Keywords that say nothing about what is valid. */
const NOTES = new Set(
  '$schema $id $comment $anchor $defs definitions title description default examples example deprecated readOnly writeOnly format'.split(
    ' ',
  ),
);
const KEYWORDS: Readonly<Record<string, readonly string[]>> = {
  object: ['properties', 'required', 'additionalProperties'],
  array: ['items', 'minItems', 'maxItems'],
  string: ['pattern', 'minLength', 'maxLength'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  integer: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  boolean: [],
  null: [],
};

/** @throws GenerationError naming the place in the schema and the keyword that cannot be kept to */
export function schemaExpression(expressions: Expressions, schema: unknown): Expression {
  return new SchemaReader(expressions, plain(schema)).read();
}

class SchemaReader {
  readonly #e: Expressions;
  readonly #json: JsonText;
  readonly #root: unknown;
  readonly #targets = new Map<string, Target>();
  #count = 0;

  constructor(expressions: Expressions, root: unknown) {
    this.#e = expressions;
    this.#json = new JsonText(expressions);
    this.#root = root;
  }

  read(): Expression {
    const start = this.#reference('#', '#', 0);
    checkRecursion([this.#json.anyTarget, ...this.#targets.values()]);
    return this.#targets.get('#')?.expression ?? start;
  }

  #value(schema: unknown, where: string, depth: number): Expression {
    if (++this.#count > MAX_SCHEMAS)
      throw problem(where, `is one of more than ${MAX_SCHEMAS} parts`, 'make it smaller');
    if (depth > MAX_DEPTH) throw problem(where, `is more than ${MAX_DEPTH} deep`, 'make it flatter, with $ref');
    if (schema === true) return this.#json.any;
    if (schema === false) return this.#e.nothing;
    if (!isObject(schema)) throw problem(where, 'is no schema', 'give an object, true or false');
    const result = this.#object(schema, where, depth);
    if (result.kind === 'nothing') throw problem(where, 'lets no value pass', 'loosen it');
    return result;
  }

  #object(schema: Schema, where: string, depth: number): Expression {
    const keys = Object.keys(schema).filter((key) => !NOTES.has(key));
    const alone = (...besides: readonly string[]): void => {
      const other = keys.slice(1).find((key) => !besides.includes(key));
      if (other !== undefined) throw problem(where, `has ${other} beside ${keys[0]}`, 'put both into one of them');
    };
    const first = ['$ref', 'anyOf', 'oneOf', 'allOf', 'const', 'enum'].find((key) => keys.includes(key));
    if (first !== undefined) keys.sort((a, b) => Number(b === first) - Number(a === first));
    if (first === '$ref') {
      alone();
      return this.#reference(schema[first], where, depth);
    }
    if (first === 'anyOf' || first === 'oneOf' || first === 'allOf') {
      alone();
      const options = list(schema[first], `${where}/${first}`);
      if (first === 'allOf' && options.length > 1)
        throw problem(where, 'has allOf with several parts, which cannot be kept to', 'write them as one');
      if (first === 'oneOf' && !areApart(options, (reference) => this.#resolve(reference, where)))
        throw problem(where, 'has oneOf with choices that one value may fit at once', 'use anyOf');
      return this.#e.choice(...options.map((option, i) => this.#value(option, `${where}/${first}/${i}`, depth + 1)));
    }
    if (first === 'const' || first === 'enum') {
      alone('type');
      const values = first === 'const' ? [schema['const']] : list(schema['enum'], `${where}/enum`);
      const types = schema['type'] === undefined ? undefined : typesOf(schema, where);
      const fitting = values.filter((value) => types === undefined || types.some((type) => isOf(value, type)));
      return this.#e.choice(...fitting.map((value) => this.#json.constant(value)));
    }
    const types = typesOf(schema, where);
    const known = new Set(['type', ...types.flatMap((type) => KEYWORDS[type]!)]);
    const unknown = keys.find((key) => !known.has(key));
    if (unknown !== undefined)
      throw problem(where, `has ${unknown}, which cannot be kept to`, 'take it out and check the answer for it');
    if (keys.length === 0) return this.#json.any;
    return this.#e.choice(...types.map((type) => this.#typed(type, schema, where, depth)));
  }

  #typed(type: string, schema: Schema, where: string, depth: number): Expression {
    switch (type) {
      case 'object':
        return this.#properties(schema, where, depth);
      case 'array': {
        const [least, most] = counts(schema, 'Items', where);
        const items = schema['items'] ?? true;
        const item = items === false ? this.#e.nothing : this.#value(items, `${where}/items`, depth + 1);
        return this.#json.array(item, least, most);
      }
      case 'string':
        return this.#string(schema, where);
      case 'boolean':
        return this.#e.choice(this.#json.constant(true), this.#json.constant(false));
      case 'null':
        return this.#json.constant(null);
      default:
        return this.#number(schema, where, type === 'number');
    }
  }

  #properties(schema: Schema, where: string, depth: number): Expression {
    const properties = schema['properties'] ?? {};
    if (!isObject(properties)) throw problem(`${where}/properties`, 'is no object', 'give a schema for each key');
    const required = list(schema['required'] ?? [], `${where}/required`);
    if (!required.every((key) => typeof key === 'string'))
      throw problem(`${where}/required`, 'holds what is no key', 'give a list of keys');
    const other = schema['additionalProperties'] ?? true;
    const all = new Map(Object.entries(properties));
    for (const key of required) if (!all.has(key)) all.set(key, other);
    if (all.size === 0)
      return other === false
        ? this.#json.object([])
        : this.#json.map(this.#value(other, `${where}/additionalProperties`, depth + 1));
    const wanted = new Set(required);
    return this.#json.object(
      [...all].map(([key, value]) => ({
        key,
        value: this.#value(value, `${where}/properties/${key}`, depth + 1),
        required: wanted.has(key),
      })),
    );
  }

  #string(schema: Schema, where: string): Expression {
    const { pattern } = schema;
    if (pattern === undefined)
      return this.#json.quoted(this.#e.repeat(this.#json.letter, ...counts(schema, 'Length', where)));
    if (typeof pattern !== 'string') throw problem(`${where}/pattern`, 'is no text', 'give a regular expression');
    if (schema['minLength'] !== undefined || schema['maxLength'] !== undefined)
      throw problem(where, 'has a pattern and a length', 'say the length in the pattern, e.g. ^[a-z]{1,20}$');
    const letter = this.#json.setLetter.bind(this.#json);
    return this.#json.quoted(patternExpression(this.#e, pattern, { letter, search: true }));
  }

  #number(schema: Schema, where: string, fraction: boolean): Expression {
    const bound = (key: string): number | undefined => {
      const value = schema[key];
      if (value !== undefined && (typeof value !== 'number' || !Number.isFinite(value)))
        throw problem(`${where}/${key}`, 'is no number', 'give one');
      return value;
    };
    const [above, below] = [bound('exclusiveMinimum'), bound('exclusiveMaximum')];
    const [least, most] = [bound('minimum') ?? -Infinity, bound('maximum') ?? Infinity];
    if (fraction && [above, below].every((value) => value === undefined) && least === -Infinity && most === Infinity)
      return this.#json.number();
    const aboveLow = above !== undefined && above >= least;
    const belowHigh = below !== undefined && below <= most;
    const bounds = { low: aboveLow ? above : least, high: belowHigh ? below : most, aboveLow, belowHigh };
    return this.#json.bounded(bounds, fraction);
  }

  #reference(reference: unknown, where: string, depth: number): Expression {
    const [name, schema] = this.#resolve(reference, where);
    const known = this.#targets.get(name);
    if (known !== undefined) return this.#e.reference(known);
    const target: Target = { name };
    this.#targets.set(name, target);
    target.expression = this.#value(schema, name, depth + 1);
    return this.#e.reference(target);
  }

  #resolve(reference: unknown, where: string): [name: string, schema: unknown] {
    if (typeof reference !== 'string' || !(reference === '#' || reference.startsWith('#/')))
      throw problem(where, 'refers to something outside of the schema', 'use references such as #/$defs/name');
    let schema = this.#root;
    for (const part of reference.split('/').slice(1)) {
      const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
      const next =
        isObject(schema) || Array.isArray(schema) ? Object.entries(schema).find(([name]) => name === key) : undefined;
      if (next === undefined) throw problem(where, `refers to ${reference}, which is not there`, 'check the name');
      schema = next[1];
    }
    return [reference, schema];
  }
}

/** @throws GenerationError for types that there are not */
function typesOf(schema: Schema, where: string): readonly string[] {
  const { type } = schema;
  if (type === undefined) {
    const implied = Object.keys(KEYWORDS).find((name) => KEYWORDS[name]!.some((key) => schema[key] !== undefined));
    return [implied ?? 'object'];
  }
  const types = typeof type === 'string' ? [type] : list(type, `${where}/type`);
  return types.map((name) => {
    if (typeof name !== 'string' || !Object.hasOwn(KEYWORDS, name))
      throw problem(`${where}/type`, `is ${JSON.stringify(name)}`, `use ${Object.keys(KEYWORDS).join(', ')}`);
    return name;
  });
}

function isOf(value: unknown, type: string): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'null') return value === null;
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'object') return isObject(value);
  return typeof value === type;
}

function counts(schema: Schema, what: 'Items' | 'Length', where: string): [number, number] {
  const count = (key: string, otherwise: number): number => {
    const value = schema[key] ?? otherwise;
    if (value === Infinity) return value;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > MAX_COUNT)
      throw problem(`${where}/${key}`, `is ${JSON.stringify(value)}`, `give a whole number up to ${MAX_COUNT}`);
    return value;
  };
  const [least, most] = [count(`min${what}`, 0), count(`max${what}`, Infinity)];
  if (most < least) throw problem(where, `has max${what} below min${what}`, 'loosen one');
  return [least, most];
}

function list(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw problem(where, 'is no list', 'give one');
  return value;
}

/** A copy that holds JSON only. */
function plain(schema: unknown): unknown {
  let text: string | undefined;
  try {
    text = JSON.stringify(schema);
  } catch {
    text = undefined;
  }
  if (text === undefined)
    throw problem('#', 'is not JSON, or nests without an end', 'give a JSON schema without cycles');
  if (text.length > MAX_LETTERS)
    throw problem('#', `has ${text.length} letters, more than ${MAX_LETTERS}`, 'make it smaller');
  return JSON.parse(text);
}

function problem(where: string, what: string, hint: string): GenerationError {
  return new GenerationError(`the JSON schema at ${where.slice(0, 200)} ${what}`, hint);
}
