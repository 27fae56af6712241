import {
  addDims,
  concat,
  type Dim,
  fromIntegers,
  full,
  gather,
  type LayoutOp,
  pad,
  reshape,
  scatterAddRows,
  scatterElements,
  slice,
  subtractDims,
  sumTo,
  staticShape,
  type Tensor,
  transpose,
  where,
  equal,
} from '../../graph/index.ts';
import { type GradientRules } from './shared.ts';

export const layoutRules: GradientRules<LayoutOp> = {
  reshape: ({ inputs }, [g]) => [reshape(g!, inputs[0]!.shape)],
  transpose: ({ attributes: { permutation } }, [g]) => {
    const inverse: number[] = [];
    permutation.forEach((from, to) => (inverse[from] = to));
    return [transpose(g!, inverse)];
  },
  expand: ({ inputs }, [g]) => [sumTo(g!, inputs[0]!.shape)],

  slice: ({ inputs, attributes: { axis, start, end, step } }, [g]) => {
    const x = inputs[0]!;
    if (step !== 1) {
      // Zeros between the picked entries: a new dimension of `step`, filled behind each entry, then cut to length.
      const shape = staticShape(x.shape, 'the gradient of a slice with a step');
      const count = g!.shape[axis] as number;
      const spaced = pad(
        reshape(g!, [...g!.shape.slice(0, axis + 1), 1, ...g!.shape.slice(axis + 1)]),
        zeros(x.rank + 1),
        only(x.rank + 1, axis + 1, step - 1),
      );
      const joined = reshape(spaced, [...shape.slice(0, axis), count * step, ...shape.slice(axis + 1)]);
      const length = Math.min(count * step, shape[axis]! - start);
      const cut = slice(joined, axis, 0, length);
      return [pad(cut, only(x.rank, axis, start), only(x.rank, axis, shape[axis]! - start - length))];
    }
    const rest = subtractDims(x.shape[axis]!, end);
    if (typeof rest === 'number') return [pad(g!, only(x.rank, axis, start), only(x.rank, axis, rest))];
    const fill = (size: Dim): number[] =>
      staticShape(
        x.shape.map((dim, i) => (i === axis ? size : dim)),
        'the gradient of a slice',
      );
    return [concat([full(fill(start), 0), g!, full(fill(rest), 0)], axis)];
  },

  concat: ({ inputs, attributes: { axis } }, [g]) => {
    let offset: Dim = 0;
    return inputs.map((input) => {
      const start = staticShape([offset], 'the gradient of concat')[0]!;
      offset = addDims(offset, input.shape[axis]!);
      return slice(g!, axis, start, offset);
    });
  },

  pad: ({ inputs, attributes: { before } }, [g]) => {
    let result = g!;
    inputs[0]!.shape.forEach((dim, axis) => {
      if (result.shape[axis] !== dim) result = slice(result, axis, before[axis]!, addDims(before[axis]!, dim));
    });
    return [result];
  },

  gather: ({ inputs, attributes: { axis } }, [g]) => {
    const [x, indices] = inputs as [Tensor, Tensor];
    // With the axis in front and everything else in one row, a gather is a look-up in a table of rows.
    const [rows, ...rest] = staticShape(
      [x.shape[axis]!, ...x.shape.filter((_, i) => i !== axis)],
      'the gradient of gather',
    );
    const front = x.shape.map((_, i) => i).filter((i) => i !== axis);
    const indexAxes = indices.shape.map((_, i) => axis + i);
    const others = g!.shape.map((_, i) => i).filter((i) => !indexAxes.includes(i));
    const updates = reshape(transpose(g!, [...indexAxes, ...others]), [...indices.shape, -1]);
    const table = reshape(scatterAddRows(indices, updates, rows!), [rows!, ...rest]);
    const back: number[] = [];
    [axis, ...front].forEach((to, from) => (back[to] = from));
    return [transpose(table, back), undefined];
  },
  scatterAddRows: ({ inputs }, [g]) => [undefined, gather(g!, inputs[0]!, 0)],

  scatterElements: ({ inputs, attributes: { axis, reduction } }, [g]) => {
    const [data, indices, updates] = inputs as [Tensor, Tensor, Tensor];
    const picked = gatherElements(g!, indices, axis);
    if (reduction === 'add') return [g, undefined, picked];
    const blank = full(staticShape(updates.shape, 'the gradient of scatterElements'), 0, updates.dtype);
    return [scatterElements(g!, indices, blank, axis), undefined, data === updates ? undefined : picked];
  },
};

/** Entries of the last axis by index, one per row, as a masked sum: small tables only. */
function gatherElements(x: Tensor, indices: Tensor, axis: number): Tensor {
  const last = x.rank - 1;
  const order = x.shape.map((_, i) => i);
  [order[axis], order[last]] = [order[last]!, order[axis]!];
  const [table, picks] = [transpose(x, order), transpose(indices, order)];
  const size = staticShape([table.shape[last]!], 'gatherElements')[0]!;
  const positions = fromIntegers(
    [size],
    Array.from({ length: size }, (_, i) => i),
  );
  const expandedPicks = reshape(picks, [...picks.shape, 1]);
  const mask = equal(expandedPicks, positions);
  const rows = reshape(table, [...table.shape.slice(0, last), 1, size]);
  const picked = sumTo(where(mask, rows, 0), [...picks.shape, 1]);
  return transpose(reshape(picked, picks.shape), order);
}

function zeros(rank: number): number[] {
  return Array.from({ length: rank }, () => 0);
}

function only(rank: number, axis: number, amount: number): number[] {
  return Array.from({ length: rank }, (_, i) => (i === axis ? amount : 0));
}
