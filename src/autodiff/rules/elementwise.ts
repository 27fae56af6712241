import {
  add,
  apply,
  cast,
  cos,
  div,
  type ElementwiseOp,
  equal,
  exp,
  greater,
  type LeafOp,
  less,
  log,
  mul,
  neg,
  type Node,
  type OpAttributes,
  type OpName,
  pow,
  reshape,
  scalar,
  sigmoid,
  sign,
  sin,
  sub,
  sumTo,
  type Tensor,
  where,
} from '../../graph/index.ts';
import { type GradientRule, type GradientRules, noGradient, notDifferentiable } from './shared.ts';

/** Makes the rule of a function of one input from its derivative. */
function derivative<K extends OpName>(rule: (x: Tensor, y: Tensor, gradient: Tensor) => Tensor): GradientRule<K> {
  return ({ inputs, outputs }, [gradient]) => [rule(inputs[0]!, outputs[0]!, gradient!)];
}

/** Makes the rule of a function of two inputs, summing each gradient back to what was broadcast. */
function broadcasting<K extends OpName>(
  rule: (a: Tensor, b: Tensor, gradient: Tensor, node: Node<K>) => [Tensor, Tensor],
): GradientRule<K> {
  return (node, [gradient]) => {
    const [a, b] = node.inputs as [Tensor, Tensor];
    const [da, db] = rule(a, b, gradient!, node);
    return [sumTo(da, a.shape), sumTo(db, b.shape)];
  };
}

/** factor · x, by the product that makes x where there is one: another pass over a large tensor costs more. */
function scaled(x: Tensor, factor: number): Tensor {
  const { op, inputs, attributes } = x.node;
  if (op === 'reshape') return reshape(scaled(inputs[0]!, factor), x.shape);
  if (op !== 'matmul') return mul(x, factor);
  const product = attributes as OpAttributes['matmul'];
  return apply('matmul', inputs, { ...product, alpha: product.alpha * factor });
}

/** Gradient of min and max: to the chosen side, half to each where they are equal. */
function choice(a: Tensor, b: Tensor, gradient: Tensor, first: Tensor): [Tensor, Tensor] {
  const share = where(equal(a, b), scalar(0.5, a.dtype), cast(first, a.dtype));
  return [mul(gradient, share), mul(gradient, sub(1, share))];
}

export const elementwiseRules: GradientRules<LeafOp | ElementwiseOp> = {
  input: noGradient,
  parameter: noGradient,
  constant: noGradient,
  neg: derivative((_, __, g) => neg(g)),
  exp: derivative((_, y, g) => mul(g, y)),
  log: derivative((x, _, g) => div(g, x)),
  sqrt: derivative((_, y, g) => div(mul(g, 0.5), y)),
  reciprocal: derivative((_, y, g) => neg(mul(g, mul(y, y)))),
  tanh: derivative((_, y, g) => mul(g, sub(1, mul(y, y)))),
  sigmoid: derivative((_, y, g) => mul(g, mul(y, sub(1, y)))),
  erf: derivative((x, _, g) => mul(g, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI)))),
  // Twice as fast as the sign.
  relu: derivative((_, y, g) => mul(g, cast(greater(y, 0), y.dtype))),
  abs: derivative((x, _, g) => mul(g, sign(x))),
  sign: noGradient,
  sin: derivative((x, _, g) => mul(g, cos(x))),
  cos: derivative((x, _, g) => neg(mul(g, sin(x)))),
  // d(x s)/dx = s + x s (1 − s) = s + y (1 − s), with s = sigmoid(x)
  silu: derivative((x, y, g) => {
    const s = sigmoid(x);
    return mul(g, add(s, mul(y, sub(1, s))));
  }),
  gelu: ({ inputs, attributes }, [g]) => {
    const gradient = attributes.approximate === 'none' ? scaled(g!, 0.5) : g!;
    return [apply('geluGradient', [gradient, inputs[0]!], attributes)];
  },
  geluGradient: notDifferentiable,
  not: noGradient,
  cast: ({ inputs }, [g]) => [cast(g!, inputs[0]!.dtype)],
  stopGradient: noGradient,
  barrier: (_, [g]) => [g],
  customGradient: ({ outputs, attributes }, [g]) => [undefined, ...attributes.rule(g!, outputs[0]!)],
  add: broadcasting((_, __, g) => [g, g]),
  sub: broadcasting((_, __, g) => [g, neg(g)]),
  mul: broadcasting((a, b, g) => [mul(g, b), mul(g, a)]),
  div: broadcasting((_, b, g, { outputs }) => {
    const da = div(g, b);
    return [da, neg(mul(da, outputs[0]!))];
  }),
  pow: broadcasting((a, b, g, { outputs }) => [mul(g, mul(b, pow(a, sub(b, 1)))), mul(g, mul(outputs[0]!, log(a)))]),
  minimum: broadcasting((a, b, g) => choice(a, b, g, less(a, b))),
  maximum: broadcasting((a, b, g) => choice(a, b, g, less(b, a))),
  equal: noGradient,
  less: noGradient,
  greater: noGradient,
  and: noGradient,
  or: noGradient,
  where: ({ inputs }, [g]) => {
    const [condition, a, b] = inputs as [Tensor, Tensor, Tensor];
    return [undefined, sumTo(where(condition, g!, 0), a.shape), sumTo(where(condition, 0, g!), b.shape)];
  },
  randomUniform: noGradient,
};
