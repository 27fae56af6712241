import type { LoweringRule } from './shared.ts';

/**
 * Derivative of gelu times the incoming gradient, of which the exact form gets the half.
 * Exact: Φ(x) + x φ(x). By tanh, y = ½ x (1 + tanh u) with u = √(2/π) (x + 0.044715 x³).
 */
export const geluGradient: LoweringRule<'geluGradient'> = ({ builder }, { inputs, attributes }, [gradient, x]) => {
  const dtype = inputs[1]!.dtype;
  const number = (value: number): string => builder.scalar(value, dtype);
  const mul = (a: string, b: string): string => builder.op('Mul', [a, b]);
  const add = (a: string, b: string): string => builder.op('Add', [a, b]);
  if (attributes.approximate === 'none') {
    // With a = x / √2: 2 Φ(x) = 1 + erf a, and 2 x φ(x) = a · 2/√π · exp(−a²), whose constant goes into the exponent.
    const a = mul(x!, number(Math.SQRT1_2));
    const density = builder.op('Exp', [builder.op('Sub', [number(Math.log(2 / Math.sqrt(Math.PI))), mul(a, a)])]);
    const doubled = add(add(builder.op('Erf', [a]), mul(a, density)), number(1));
    return [mul(doubled, gradient!)];
  }
  // 1 + tanh u = 2 sigmoid(2u), with z = 2u: derivative s (1 + (1 − s) (3 z − 2 α x)), α = 2 √(2/π)
  const alpha = 2 * Math.sqrt(2 / Math.PI);
  const z = mul(x!, add(mul(mul(x!, x!), number(alpha * 0.044715)), number(alpha)));
  const s = builder.op('Sigmoid', [z]);
  const w = builder.op('Sub', [mul(z, number(3)), mul(x!, number(2 * alpha))]);
  const inner = add(builder.op('Sub', [w, mul(s, w)]), number(1));
  return [mul(mul(inner, s), gradient!)];
};
