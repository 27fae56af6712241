/** Recipes: YAML, checked by a schema; every fault is reported with its line and what would be right. */
import { isAlias, isCollection, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import type { z } from 'zod';
import { RecipeError } from '../core/index.ts';
import { describeIssue } from './issues.ts';
import { nearest } from './nearest.ts';
import { allowedKeys } from './schema-walk.ts';
import type { Path } from './schema-walk.ts';

/** Longest recipe that is read, in characters. */
export const MAX_RECIPE_LENGTH: number = 1024 * 1024;

const MAX_FAULTS = 10;
const MAX_DEPTH = 32;

/**
 * Reads a recipe.
 * @param schema what the recipe must look like; use strict objects, so that unknown keys are refused
 * @param text YAML 1.2
 * @param fileName for messages
 * @param overrides `key.path=value` each, with the value in YAML, as given by `--set` on the command line
 * @throws RecipeError with one line for each fault: `file:line: key: what is wrong`
 */
export function parseRecipe<T>(
  schema: z.ZodType<T>,
  text: string,
  fileName: string,
  overrides: readonly string[] = [],
): T {
  if (text.length > MAX_RECIPE_LENGTH) {
    throw new RecipeError(
      `${fileName}: ${text.length} characters; at most ${MAX_RECIPE_LENGTH} are read`,
      'is this the right file?',
    );
  }
  const lines = new LineCounter();
  const document = parseYaml(text, fileName, lines);
  const set = overrides.map((override) => applyOverride(document, override, schema));
  const data = toPlain(document, fileName);
  const result = schema.safeParse(data);
  if (result.success) return result.data;

  const faults = result.error.issues.flatMap((issue) => describeIssue(issue, schema, data));
  const shown = faults.slice(0, MAX_FAULTS).map(({ path, key, message }) => {
    const full = [...path, ...(key === undefined ? [] : [key])];
    const override = set.find((each) => startsWith(full, each.path) || startsWith(full, each.fresh));
    const at = override === undefined ? `${fileName}:${lineOf(document, lines, path, key)}` : `--set ${override.text}`;
    const name = full.join('.');
    return `${at}: ${name === '' ? '' : `${name}: `}${message}`;
  });
  if (faults.length > shown.length) shown.push(`… and ${faults.length - shown.length} more`);
  throw new RecipeError(
    shown.join('\n'),
    faults.find(({ hint }) => hint !== undefined)?.hint ?? 'correct what is named; recipes/ has examples that work',
  );
}

/** What `model.type` says; undefined in a text that is no recipe, whose faults {@link parseRecipe} names. */
export function modelType(text: string): unknown {
  if (text.length > MAX_RECIPE_LENGTH) return undefined;
  try {
    return parseDocument(text, { prettyErrors: false, logLevel: 'silent' }).getIn(['model', 'type']);
  } catch {
    return undefined;
  }
}

function parseYaml(text: string, fileName: string, lines: LineCounter): Document.Parsed {
  let document: Document.Parsed;
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, logLevel: 'silent' });
  } catch (error) {
    // The parser recurses; a text of nothing but brackets ends its stack.
    throw new RecipeError(
      `${fileName}: not YAML that can be read (${(error as Error).message})`,
      'write it out plainly; recipes/ has examples',
    );
  }
  const fault = document.errors[0];
  if (fault !== undefined) {
    const hint = fault.code === 'DUPLICATE_KEY' ? 'remove one of the two' : 'check indentation, colons and quotes';
    throw new RecipeError(`${fileName}:${lines.linePos(fault.pos[0]).line}: not valid YAML: ${fault.message}`, hint);
  }
  if (!isMap(document.contents)) {
    throw new RecipeError(`${fileName}:1: a recipe is a list of \`key: value\` lines`, 'see recipes/ for examples');
  }
  return document;
}

function toPlain(document: Document.Parsed, fileName: string): unknown {
  try {
    checkDepth(document.contents, 0);
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new RecipeError(`${fileName}: ${(error as Error).message}`, 'write it out plainly, without anchors');
  }
}

function checkDepth(node: unknown, depth: number): void {
  if (depth > MAX_DEPTH) throw new Error(`nested more than ${MAX_DEPTH} deep`);
  if (!isCollection(node)) return;
  for (const item of node.items) {
    const value: unknown =
      typeof item === 'object' && item !== null && 'value' in item && 'key' in item ? item.value : item;
    checkDepth(value, depth + 1);
  }
}

/** A value that came with `--set`. */
interface Override {
  readonly text: string;
  readonly path: readonly string[];
  /** The part of the path, from the top, down to the first key that the file does not have. */
  readonly fresh: readonly string[];
}

/** Puts `a.b=value` into the document. */
function applyOverride(document: Document.Parsed, text: string, schema: z.ZodType): Override {
  const equals = text.indexOf('=');
  const path = text
    .slice(0, Math.max(0, equals))
    .split('.')
    .map((part) => part.trim());
  if (equals < 1 || path.includes('')) {
    throw new RecipeError(`--set ${text}: not of the form key.path=value`, 'for example: --set optimizer.lr=0.001');
  }
  const source = text.slice(equals + 1);
  const value = parseDocument(source, { prettyErrors: false, logLevel: 'silent' });
  if (value.errors[0] !== undefined) {
    throw new RecipeError(`--set ${text}: the value is not YAML: ${value.errors[0].message}`, 'put it into quotes');
  }
  if (isMap(value.contents)) {
    throw new RecipeError(`--set ${text}: a value, not a mapping, is expected`, 'set its keys one by one');
  }
  const missing = path.findIndex((_, i) => !document.hasIn(path.slice(0, i + 1)));
  const fresh = missing < 0 ? path : path.slice(0, missing + 1);
  try {
    // An empty value empties the key, as in YAML.
    document.setIn(path, value.contents ?? null);
  } catch {
    const data: unknown = toPlain(document, '--set');
    const parent = path.findIndex((_, i) => i > 0 && allowedKeys(schema, data, path.slice(0, i)).length === 0);
    const within = path.slice(0, Math.max(1, parent)).join('.');
    const near = nearest(path[0]!, allowedKeys(schema, data, []));
    throw new RecipeError(`--set ${text}: ${within} holds no keys`, near === path[0] ? undefined : `meant: ${near}?`);
  }
  return { text, path, fresh };
}

/** Line of a key, or of the nearest thing around it that is in the file. */
function lineOf(document: Document.Parsed, lines: LineCounter, path: Path, key: string | undefined): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const part of [...path, ...(key === undefined ? [] : [key])]) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
      if (pair === undefined) break;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isCollection(node)) {
      node = node.items[Number(part)];
      offset = startOf(node) ?? offset;
    } else break;
  }
  return lines.linePos(offset).line;
}

function startOf(node: unknown): number | undefined {
  return (node as { range?: readonly number[] | null } | null | undefined)?.range?.[0];
}

function startsWith(path: Path, prefix: readonly string[]): boolean {
  return prefix.length <= path.length && prefix.every((part, i) => part === String(path[i]));
}
