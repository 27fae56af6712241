import { GraphError } from '../core/index.ts';

/**
 * One dimension of a symbolic tensor: a number, or an expression over names of sizes that are known only when the
 * program runs, such as `T` or `B*T+1`. Expressions are kept in one canonical spelling, so equal text means equal size.
 */
export type Dim = number | string;
export type Shape = readonly Dim[];

/** A polynomial: monomial (sorted names joined by `*`, '' for the constant) → coefficient. */
type Polynomial = Map<string, number>;

function parse(dim: Dim): Polynomial {
  const terms: Polynomial = new Map();
  if (typeof dim === 'number') {
    if (dim !== 0) terms.set('', dim);
    return terms;
  }
  for (const term of dim.split('+')) {
    const factors = term.split('*');
    const coefficient = Number(factors[0]);
    const names = Number.isNaN(coefficient) ? factors : factors.slice(1);
    const monomial = names.sort().join('*');
    terms.set(monomial, (terms.get(monomial) ?? 0) + (Number.isNaN(coefficient) ? 1 : coefficient));
  }
  return terms;
}

function format(terms: Polynomial): Dim {
  const kept = [...terms].filter(([, coefficient]) => coefficient !== 0).sort(([a], [b]) => (a < b ? 1 : -1));
  if (kept.length === 0) return 0;
  if (kept.length === 1 && kept[0]![0] === '') return kept[0]![1];
  return kept
    .map(([monomial, coefficient]) =>
      monomial === '' ? String(coefficient) : coefficient === 1 ? monomial : `${coefficient}*${monomial}`,
    )
    .join('+');
}

export function addDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  const sum = parse(a);
  for (const [monomial, coefficient] of parse(b)) sum.set(monomial, (sum.get(monomial) ?? 0) + coefficient);
  return format(sum);
}

export function multiplyDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  const product: Polynomial = new Map();
  for (const [m, c] of parse(a)) {
    for (const [n, d] of parse(b)) {
      const monomial = [...m.split('*'), ...n.split('*')].filter(Boolean).sort().join('*');
      product.set(monomial, (product.get(monomial) ?? 0) + c * d);
    }
  }
  return format(product);
}

/** a − b, where the result can be written with the names at hand. */
export function subtractDims(a: Dim, b: Dim): Dim {
  return addDims(a, multiplyDims(-1, b));
}

/** a ÷ b where the division leaves no rest, else `undefined`; b must be a number or a product of names. */
export function divideDims(a: Dim, b: Dim): Dim | undefined {
  if (a === b) return 1;
  if (typeof a === 'number' && typeof b === 'number') return b !== 0 && a % b === 0 ? a / b : undefined;
  const divisor = [...parse(b)];
  if (divisor.length !== 1) return undefined;
  const [monomial, coefficient] = divisor[0]!;
  const quotient: Polynomial = new Map();
  for (const [m, c] of parse(a)) {
    const names = m.split('*').filter(Boolean);
    for (const name of monomial.split('*').filter(Boolean)) {
      const at = names.indexOf(name);
      if (at < 0) return undefined;
      names.splice(at, 1);
    }
    if (c % coefficient !== 0) return undefined;
    quotient.set(names.join('*'), c / coefficient);
  }
  return format(quotient);
}

/** Product of all dimensions. */
export function countElements(shape: Shape): Dim {
  return shape.reduce<Dim>(multiplyDims, 1);
}

/** The terms of an expression as [coefficient, names]; used where a size is computed inside a program. */
export function dimTerms(dim: Dim): [coefficient: number, names: string[]][] {
  return [...parse(dim)].map(([monomial, coefficient]) => [coefficient, monomial.split('*').filter(Boolean)]);
}

/** The shape as plain numbers. @throws GraphError when a size is symbolic; `what` says for whom it must not be. */
export function staticShape(shape: Shape, what: string): number[] {
  return shape.map((dim) => {
    if (typeof dim === 'number') return dim;
    throw new GraphError(
      `${what} needs sizes that are known while tracing, got [${shape.join(', ')}]`,
      `give '${dim}' a number`,
    );
  });
}

/** NumPy's broadcasting; `undefined` when the shapes do not fit. */
export function broadcastShapes(a: Shape, b: Shape): Dim[] | undefined {
  const rank = Math.max(a.length, b.length);
  const result: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x === y || y === 1) result.push(x);
    else if (x === 1) result.push(y);
    else return undefined;
  }
  return result;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** Turns a negative axis into its index and checks it. */
export function normalizeAxis(axis: number, rank: number): number {
  const index = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(index) || index < 0 || index >= rank) {
    throw new GraphError(`axis ${axis} is outside a tensor of ${rank} dimensions`);
  }
  return index;
}
