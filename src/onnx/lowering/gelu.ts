import type { LoweringRule } from './shared.ts';

/**
 * Derivative of gelu times the incoming gradient.
 * Exact: Φ(x) + x φ(x). By tanh: with u = √(2/π) (x + 0.044715 x³) and t = tanh u,
 * ½ (1 + t) + ½ x (1 − t²) √(2/π) (1 + 3 · 0.044715 x²).
 */
export const geluGradient: LoweringRule<'geluGradient'> = ({ builder }, { inputs, attributes }, [gradient, x]) => {
  const dtype = inputs[1]!.dtype;
  const number = (value: number): string => builder.scalar(value, dtype);
  const mul = (a: string, b: string): string => builder.op('Mul', [a, b]);
  const add = (a: string, b: string): string => builder.op('Add', [a, b]);
  const squared = mul(x!, x!);
  if (attributes.approximate === 'none') {
    const cdf = add(mul(builder.op('Erf', [mul(x!, number(Math.SQRT1_2))]), number(0.5)), number(0.5));
    const density = mul(builder.op('Exp', [mul(squared, number(-0.5))]), number(1 / Math.sqrt(2 * Math.PI)));
    return [mul(gradient!, add(cdf, mul(x!, density)))];
  }
  const c = Math.sqrt(2 / Math.PI);
  const t = builder.op('Tanh', [mul(x!, add(mul(squared, number(c * 0.044715)), number(c)))]);
  const slope = mul(x!, add(mul(squared, number(1.5 * c * 0.044715)), number(0.5 * c)));
  const inner = mul(builder.op('Sub', [number(1), mul(t, t)]), slope);
  return [mul(gradient!, add(add(mul(t, number(0.5)), number(0.5)), inner))];
};
