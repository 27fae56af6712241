/** Which tensor of a file is which parameter of a model, and a strict account of what does not fit. */
import { CheckpointError, isFloating } from '../core/index.ts';
import type { TensorDescription } from './safetensors.ts';

/** How the files of an architecture name their tensors, as far as they differ from a model's parameters. */
export interface NamingRules {
  /**
   * What stands before a base model's names in files that hold it within a larger one: `bert.` of
   * `bert.embeddings.LayerNorm.weight`. A file may have it or not.
   */
  readonly prefix?: string;
  /** Older names, as a pattern and what takes the place of what it matches. */
  readonly renamed?: readonly (readonly [old: RegExp, now: string])[];
  /**
   * What Transformers calls modules in memory, where that differs from files: a pattern and what takes the place of what it
   * matches in the path of a parameter. Adapters are saved under these names.
   */
  readonly inMemory?: readonly (readonly [path: RegExp, name: string])[];
  /** Tensors that are known and not needed: buffers, copies of tied weights, heads that were not asked for. */
  readonly ignored?: readonly RegExp[];
}

/** What a model asks for. */
export interface ExpectedTensor {
  readonly shape: readonly number[];
}

/** The result of {@link matchTensors}. */
export interface TensorAccount {
  /** Path of a parameter → name of its tensor in the file. */
  readonly names: ReadonlyMap<string, string>;
  /** Names of tensors that are known and not used. */
  readonly ignored: readonly string[];
}

/** A file that is not of this model. The lists are complete; the message shows a few of each. */
export class TensorAccountError extends CheckpointError {
  /** Parameters without a tensor. */
  readonly missing: readonly string[];
  /** Tensors without a parameter. */
  readonly unexpected: readonly string[];
  /** Tensors of another shape or type than their parameter, each with both. */
  readonly misshaped: readonly string[];

  constructor(
    where: string,
    faults: { missing: readonly string[]; unexpected: readonly string[]; misshaped: readonly string[] },
  ) {
    const parts = (['missing', 'unexpected', 'misshaped'] as const)
      .filter((kind) => faults[kind].length > 0)
      .map((kind) => `${faults[kind].length} ${kind} (${list(faults[kind])})`);
    super(
      `${where}: its tensors are not those of this model: ${parts.join('; ')}`,
      'config.json and weights must be of one checkpoint, and of a supported architecture',
    );
    this.missing = faults.missing;
    this.unexpected = faults.unexpected;
    this.misshaped = faults.misshaped;
  }
}

const SHOWN = 4;

/**
 * Finds the tensor of every parameter.
 * @param expected parameters by path, as `Module.parameters()` gives them
 * @param found every tensor of the file
 * @param where the file or folder, for messages
 * @throws TensorAccountError when any tensor is missing, left over, given twice, or of another shape
 */
export function matchTensors(
  expected: ReadonlyMap<string, ExpectedTensor>,
  found: Iterable<TensorDescription>,
  rules: NamingRules,
  where: string,
): TensorAccount {
  const names = new Map<string, string>();
  const ignored: string[] = [];
  const unexpected: string[] = [];
  const misshaped: string[] = [];
  for (const { name, dtype, shape } of found) {
    const path = pathOf(name, rules, expected);
    const parameter = expected.get(path);
    if (parameter === undefined) {
      const known = rules.ignored?.some((pattern) => pattern.test(name) || pattern.test(path)) ?? false;
      (known ? ignored : unexpected).push(name);
    } else if (names.has(path)) {
      unexpected.push(`${name}, beside ${names.get(path)}`);
    } else {
      names.set(path, name);
      const sizes = `[${shape.join(', ')}]`;
      const asked = `[${parameter.shape.join(', ')}]`;
      if (sizes !== asked) misshaped.push(`${name} is ${sizes} and should be ${asked}`);
      else if (!isFloating(dtype)) misshaped.push(`${name} holds ${dtype} and should hold floating-point numbers`);
    }
  }
  const missing = [...expected.keys()].filter((path) => !names.has(path));
  if (missing.length + unexpected.length + misshaped.length > 0) {
    throw new TensorAccountError(where, { missing, unexpected, misshaped });
  }
  return { names, ignored };
}

/** A part of a larger model as if it stood alone: what lies under `prefix`, by the names that it has there. */
export function parametersUnder<T>(parameters: ReadonlyMap<string, T>, prefix: string): Map<string, T> {
  const part = new Map<string, T>();
  for (const [path, parameter] of parameters)
    if (path.startsWith(prefix)) part.set(path.slice(prefix.length), parameter);
  return part;
}

/** The parameter that a name stands for: itself where there is one, else without prefix and older words. */
function pathOf(name: string, { prefix, renamed = [] }: NamingRules, expected: ReadonlyMap<string, unknown>): string {
  const now = renamed.reduce((text, [old, word]) => text.replace(old, word), name);
  if (expected.has(now) || prefix === undefined || !now.startsWith(prefix)) return now;
  return now.slice(prefix.length);
}

/** The parameter that a name in a file stands for; undefined where there is none. */
export function parameterOf(
  name: string,
  rules: NamingRules,
  expected: ReadonlyMap<string, unknown>,
): string | undefined {
  const path = pathOf(name, rules, expected);
  return expected.has(path) ? path : undefined;
}

/** What Transformers calls a parameter in memory. */
export function nameInMemory(path: string, { inMemory = [] }: NamingRules): string {
  const rule = inMemory.find(([pattern]) => pattern.test(path));
  return rule === undefined ? path : path.replace(rule[0], rule[1]);
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN).map((name) => (name.length > 160 ? `${name.slice(0, 157)}…` : name));
  return names.length > SHOWN ? `${shown.join(', ')} and ${names.length - SHOWN} more` : shown.join(', ');
}
