import type { DType } from '../../core/index.ts';
import { apply, scalar } from '../apply.ts';
import type { BinaryOp, CustomGradientRule, UnaryOp } from '../operators.ts';
import type { Tensor } from '../tensor.ts';

/** A tensor, or a number that stands for a constant of the other side's type. */
export type Operand = Tensor | number;

function unary(op: UnaryOp): (x: Tensor) => Tensor {
  return (x) => apply(op, [x], {});
}

function binary(op: BinaryOp): { (a: Tensor, b: Operand): Tensor; (a: Operand, b: Tensor): Tensor } {
  return (a: Operand, b: Operand): Tensor => {
    const dtype = typeof a !== 'number' ? a.dtype : (b as Tensor).dtype;
    return apply(op, [toTensor(a, dtype), toTensor(b, dtype)], {});
  };
}

function toTensor(operand: Operand, dtype: DType): Tensor {
  return typeof operand === 'number' ? scalar(operand, dtype) : operand;
}

type BinaryFunction = { (a: Tensor, b: Operand): Tensor; (a: Operand, b: Tensor): Tensor };

export const neg: (x: Tensor) => Tensor = unary('neg');
export const exp: (x: Tensor) => Tensor = unary('exp');
/** Natural logarithm. */
export const log: (x: Tensor) => Tensor = unary('log');
export const sqrt: (x: Tensor) => Tensor = unary('sqrt');
export const reciprocal: (x: Tensor) => Tensor = unary('reciprocal');
export const tanh: (x: Tensor) => Tensor = unary('tanh');
export const sigmoid: (x: Tensor) => Tensor = unary('sigmoid');
/** Gauss's error function. */
export const erf: (x: Tensor) => Tensor = unary('erf');
export const relu: (x: Tensor) => Tensor = unary('relu');
export const abs: (x: Tensor) => Tensor = unary('abs');
export const sign: (x: Tensor) => Tensor = unary('sign');
export const sin: (x: Tensor) => Tensor = unary('sin');
export const cos: (x: Tensor) => Tensor = unary('cos');
/** x · sigmoid(x) (Elfwing et al. 2018, arXiv 1702.03118). */
export const silu: (x: Tensor) => Tensor = unary('silu');

/** Gaussian error linear unit (Hendrycks and Gimpel 2016, arXiv 1606.08415), exact or by its tanh approximation. */
export function gelu(x: Tensor, approximate: 'none' | 'tanh' = 'none'): Tensor {
  return apply('gelu', [x], { approximate });
}

export const add: BinaryFunction = binary('add');
export const sub: BinaryFunction = binary('sub');
export const mul: BinaryFunction = binary('mul');
export const div: BinaryFunction = binary('div');
/** a to the power of b; the gradient with respect to b needs positive a. */
export const pow: BinaryFunction = binary('pow');
export const minimum: BinaryFunction = binary('minimum');
export const maximum: BinaryFunction = binary('maximum');
/** Elementwise comparisons give bool. */
export const equal: BinaryFunction = binary('equal');
export const less: BinaryFunction = binary('less');
export const greater: BinaryFunction = binary('greater');
/** Of two bool tensors. */
export const logicalAnd: BinaryFunction = binary('and');
export const logicalOr: BinaryFunction = binary('or');

export function logicalNot(x: Tensor): Tensor {
  return apply('not', [x], {});
}

/** `a` where the condition holds, `b` elsewhere, with broadcasting. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const dtype = typeof a !== 'number' ? a.dtype : typeof b !== 'number' ? b.dtype : 'float32';
  return apply('where', [condition, toTensor(a, dtype), toTensor(b, dtype)], {});
}

/** Converts to another element type; no node when it has that type already. */
export function cast(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : apply('cast', [x], { dtype });
}

/** The same values, through which no gradient flows. */
export function stopGradient(x: Tensor): Tensor {
  return apply('stopGradient', [x], {});
}

/**
 * Replaces the gradient of a function.
 * @param output what the function computed
 * @param inputs where the gradients go
 * @param rule from the gradient of the output to one gradient (or undefined) for each input
 */
export function customGradient(output: Tensor, inputs: readonly Tensor[], rule: CustomGradientRule): Tensor {
  return apply('customGradient', [output, ...inputs], { rule });
}

/** log(sigmoid(x)), safe for large |x|. */
export function logSigmoid(x: Tensor): Tensor {
  return sub(minimum(x, 0), log(add(exp(neg(abs(x))), 1)));
}
