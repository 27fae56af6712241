import { GenerationError } from '../../core/index.ts';
import { definition, type Expression } from './expression.ts';

export interface Target {
  readonly name: string;
  expression?: Expression;
}

/**
 * Definitions may hold themselves, but a text must grow on the way, and there must be a way out.
 * @throws GenerationError naming the one that does not
 */
export function checkRecursion(targets: readonly Target[]): void {
  const done = new Set<Target>();
  for (const target of targets) checkFront(target, new Set(), done);
  const ending = new Set<unknown>();
  for (let before = -1; before < ending.size;) {
    before = ending.size;
    const known = new Map<Expression, boolean>();
    for (const target of targets)
      if (!ending.has(target) && ends(definition(target), ending, known)) ending.add(target);
  }
  const endless = targets.find((target) => !ending.has(target));
  if (endless !== undefined)
    throw new GenerationError(
      `${endless.name} of the schema holds itself without an end`,
      'make what leads back optional, or give it null as another choice',
    );
}

function checkFront(target: Target, above: Set<Target>, done: Set<Target>): void {
  if (done.has(target)) return;
  if (above.has(target))
    throw new GenerationError(`${target.name} of the schema is defined as itself`, 'take that choice out');
  above.add(target);
  const seen = new Set<Expression>();
  const open = [definition(target)];
  while (open.length > 0) {
    const expression = open.pop()!;
    if (seen.has(expression)) continue;
    seen.add(expression);
    if (expression.kind === 'reference') checkFront(expression.target as Target, above, done);
    else if (expression.kind === 'choice') open.push(...expression.options);
    else if (expression.kind === 'repeat') open.push(expression.item);
    else if (expression.kind === 'sequence') {
      open.push(expression.head);
      if (expression.head.nullable) open.push(expression.tail);
    }
  }
  above.delete(target);
  done.add(target);
}

/** Whether an expression has a text, given the definitions that do. */
function ends(expression: Expression, ending: ReadonlySet<unknown>, known: Map<Expression, boolean>): boolean {
  let left = expression;
  for (; left.kind === 'sequence'; left = left.tail) if (!partEnds(left.head, ending, known)) return false;
  return partEnds(left, ending, known);
}

function partEnds(part: Expression, ending: ReadonlySet<unknown>, known: Map<Expression, boolean>): boolean {
  const before = known.get(part);
  if (before !== undefined) return before;
  let result = part.kind !== 'nothing';
  if (part.kind === 'reference') result = ending.has(part.target);
  else if (part.kind === 'choice') result = part.options.some((option) => ends(option, ending, known));
  else if (part.kind === 'repeat') result = part.least === 0 || ends(part.item, ending, known);
  known.set(part, result);
  return result;
}
