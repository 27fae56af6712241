/** Turns what zod finds into sentences for a person who has the recipe before them. */
import type { z } from 'zod';
import { nearest } from './nearest.ts';
import { allowedKeys, allowedKinds } from './schema-walk.ts';
import type { Path } from './schema-walk.ts';

/** One thing that is wrong. */
export interface Fault {
  readonly path: Path;
  /** The key in the object at `path` that is wrong, where it is the key and not its value. */
  readonly key?: string;
  readonly message: string;
  readonly hint?: string;
}

type Issue = z.core.$ZodIssue;

/** @param data what was checked, to quote from */
export function describeIssue(issue: Issue, schema: z.ZodType, data: unknown): Fault[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  const given = valueAt(data, path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(path, key, allowedKeys(schema, data, path)));
    case 'invalid_type':
      return [wrong(path, given, expectedType(issue.expected))];
    case 'invalid_value':
      return [oneOf(path, given, issue.values.map(String))];
    case 'invalid_union': {
      const key = issue.discriminator;
      if (key === undefined) return describeUnion(issue, path, given);
      const parent = path.at(-1) === key ? path.slice(0, -1) : path;
      return [oneOf([...parent, key], valueAt(data, [...parent, key]), allowedKinds(schema, data, parent, key))];
    }
    case 'too_small':
      return [
        wrong(path, given, bound(issue.origin, issue.inclusive === false ? 'more than' : 'at least', issue.minimum)),
      ];
    case 'too_big':
      return [
        wrong(path, given, bound(issue.origin, issue.inclusive === false ? 'less than' : 'at most', issue.maximum)),
      ];
    case 'not_multiple_of':
      return [wrong(path, given, `a multiple of ${issue.divisor}`)];
    default:
      return [{ path, message: issue.message }];
  }
}

function unknownKey(path: Path, key: string, keys: readonly string[]): Fault {
  const near = nearest(key, keys);
  const known = `known here: ${keys.join(', ')}`;
  return {
    path,
    key: key.length > 80 ? `${key.slice(0, 77)}…` : key,
    message: near === undefined ? `unknown key; ${known}` : `unknown key; did you mean \`${near}\`?`,
    hint:
      near === undefined
        ? 'remove the key, or use one of those named'
        : `write \`${near}\` instead of \`${key.slice(0, 80)}\``,
  };
}

function oneOf(path: Path, given: unknown, values: readonly string[]): Fault {
  const near = typeof given === 'string' ? nearest(given, values) : undefined;
  const expected = values.length === 1 ? values[0]! : `one of ${values.join(', ')}`;
  const fault = wrong(path, given, expected);
  return near === undefined ? fault : { ...fault, message: `${fault.message}; did you mean \`${near}\`?` };
}

/** Alternatives without a key that tells them apart: say what each would expect. */
function describeUnion(issue: Extract<Issue, { code: 'invalid_union' }>, path: Path, given: unknown): Fault[] {
  const types = issue.errors.flatMap((issues) =>
    issues.flatMap((each) => {
      if (each.path.length > 0) return [];
      if (each.code === 'invalid_type') return [expectedType(each.expected)];
      return each.code === 'invalid_value' ? [each.values.map(String).join(' or ')] : [];
    }),
  );
  const expected = types.length === issue.errors.length ? [...new Set(types)].join(' or ') : 'another form';
  return [wrong(path, given, expected)];
}

function wrong(path: Path, given: unknown, expected: string): Fault {
  return {
    path,
    message: given === undefined ? `missing; expected ${expected}` : `expected ${expected}, got ${show(given)}`,
  };
}

function bound(origin: string, how: string, value: number | bigint): string {
  if (origin === 'array' || origin === 'set') return `${how} ${value} items`;
  if (origin === 'string') return `${how} ${value} characters`;
  return `${how} ${value}`;
}

function expectedType(type: string): string {
  const names: Readonly<Record<string, string>> = {
    number: 'a number',
    int: 'a whole number',
    string: 'a text',
    boolean: 'true or false',
    array: 'a list',
    object: 'keys with values',
    record: 'keys with values',
  };
  return names[type] ?? type;
}

function show(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function valueAt(data: unknown, path: Path): unknown {
  let value = data;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}
