/** Which linear layers of a model an adapter changes, chosen as PEFT chooses them. */
import { GraphError } from '../../core/index.ts';
import { Linear } from '../layers.ts';
import type { Module } from '../module.ts';

/**
 * Ends of paths (`q_proj` stands for every layer whose path ends in `.q_proj`), a regular expression that must match whole
 * paths, or `all-linear`: every linear layer but the output layer of a language model.
 */
export type LayerPattern = readonly string[] | string;

export const ALL_LINEAR = 'all-linear';
const OUTPUT_LAYER = /(^|\.)lm_head$/;

/**
 * @returns layers by path
 * @throws GraphError when none fits, or a pattern is no regular expression
 */
export function targetLayers(model: Module, targets: LayerPattern, exclude: LayerPattern = []): Map<string, Linear> {
  const wanted = targets === ALL_LINEAR ? (path: string) => !OUTPUT_LAYER.test(path) : matcher(targets);
  const excluded = matcher(exclude);
  const found = new Map<string, Linear>();
  const others: string[] = [];
  for (const [path, module] of model.modules()) {
    if (!(module instanceof Linear)) continue;
    if (wanted(path) && !excluded(path)) found.set(path, module);
    else others.push(path);
  }
  if (found.size === 0) {
    const ends = [...new Set(others.map((path) => path.split('.').at(-1)))].slice(0, 12);
    throw new GraphError(
      `no linear layer of the model is meant by ${JSON.stringify(targets)}`,
      ends.length === 0 ? 'the model has none' : `its layers end in ${ends.join(', ')}`,
    );
  }
  return found;
}

/** The value of the first key that means a path, as in PEFT's `rank_pattern`: the whole path or its end, a regular expression. */
export function patternValue(patterns: Readonly<Record<string, number>>, path: string): number | undefined {
  for (const [pattern, value] of Object.entries(patterns))
    if (expression(`(?:.*\\.)?(?:${pattern})$`).test(path)) return value;
  return undefined;
}

function matcher(pattern: LayerPattern): (path: string) => boolean {
  if (typeof pattern !== 'string') return (path) => pattern.some((end) => path === end || path.endsWith(`.${end}`));
  const whole = expression(`(?:${pattern})$`);
  return (path) => whole.test(path);
}

function expression(source: string): RegExp {
  try {
    return new RegExp(`^${source}`);
  } catch (error) {
    throw new GraphError(`'${source}' is no regular expression: ${(error as Error).message}`, 'correct the pattern');
  }
}
