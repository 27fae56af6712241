import { describe, expect, it } from 'vitest';
import { GraphError, ShapeError } from '../../../src/core/index.ts';
import * as g from '../../../src/graph/index.ts';
import { TransformerBlock } from '../../../src/models/common/transformer.ts';
import { Linear, Module } from '../../../src/nn/index.ts';

const f = (...shape: (number | string)[]): g.Tensor => g.input('x', 'float32', shape);
const i = (...shape: (number | string)[]): g.Tensor => g.input('i', 'int64', shape);

describe('shape errors', () => {
  it.each<[string, () => unknown, RegExp]>([
    ['add', () => g.add(f(2, 3), f(4)), /^add of float32\[2, 3\] and float32\[4\]: shapes do not broadcast/],
    ['types', () => g.mul(f(2), i(2)), /^mul of float32\[2\] and int64\[2\]: types float32 and int64 differ; use cast/],
    [
      'matmul',
      () => g.matmul(f(2, 3), f(4, 5)),
      /^matmul of float32\[2, 3\] and float32\[4, 5\]: inner sizes 3 and 4 differ/,
    ],
    ['matmul of vectors', () => g.matmul(f(3), f(3)), /at least two dimensions/],
    ['matmul batches', () => g.matmul(f(2, 3, 4), f(3, 4, 5)), /batch dimensions do not broadcast/],
    ['linear', () => g.linear(f(2, 3), f(5, 4)), /^linear of .*the input has 3 features, the weight takes 4/],
    ['linear bias', () => g.linear(f(2, 3), f(5, 3), f(3)), /the bias must be \[5\]/],
    [
      'linear types',
      () => g.linear(f(2, 3), g.input('w', 'float64', [5, 3])),
      /linear .*types float32 and float64 differ/,
    ],
    ['reshape', () => g.reshape(f(2, 3), [4]), /^reshape of float32\[2, 3\]: 6 elements do not fill \[4\]/],
    ['reshape -1', () => g.reshape(f(2, 3), [4, -1]), /-1 cannot be worked out/],
    ['transpose', () => g.transpose(f(2, 3), [0, 0]), /\[0, 0\] is not an order of 2 dimensions/],
    ['expand', () => g.expand(f(2, 3), [2, 4]), /cannot be broadcast to \[2, 4\]/],
    ['slice', () => g.slice(f(4), 0, 2, 6), /range 2:6 is outside 0:4/],
    ['slice step', () => g.slice(f(4), 0, 0, 4, -1), /slice .*step/],
    ['slice step 0', () => g.slice(f(4), 0, 0, 4, 0), /slice .*step/],
    [
      'concat',
      () => g.concat([f(2, 3), f(2, 4)], 0),
      /^concat of float32\[2, 3\] and float32\[2, 4\]: shapes differ outside of axis 0/,
    ],
    ['gather', () => g.gather(f(2, 3), f(2)), /indices must be int64 or int32, got float32/],
    ['layerNorm', () => g.layerNorm(f(2, 3), f(4)), /the scale must be \[3\]/],
    ['rmsNorm', () => g.rmsNorm(f(2, 3), f(4)), /the scale must be \[3\]/],
    [
      'crossEntropy',
      () => g.crossEntropy(f(2, 3), i(3)),
      /labels need the shape of the logits without their last dimension/,
    ],
    ['conv2d', () => g.conv2d(f(1, 3, 8, 8), f(4, 2, 3, 3)), /the input has 3 channels, the weight takes 2 × 1 groups/],
    [
      'conv2d groups',
      () => g.conv2d(f(1, 4, 8, 8), f(3, 2, 3, 3), undefined, { groups: 2 }),
      /3 outputs cannot be cut into 2 groups/,
    ],
    ['conv2d window', () => g.conv2d(f(1, 3, 2, 2), f(4, 3, 3, 3)), /a window of 3 does not fit into 2/],
    ['exp', () => g.exp(i(2)), /exp of int64\[2\]: needs floating-point numbers/],
    ['where', () => g.where(f(2), f(2), f(2)), /the condition must be bool/],
    ['pad', () => g.pad(f(2, 3), [1], [1]), /needs an amount before and after for every dimension/],
    ['negative pad', () => g.pad(f(2, 3), [0, -4], [0, 0]), /pad .*negative/],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message);
  });

  it('name the module in which they happened', () => {
    class Model extends Module {
      readonly blocks: readonly TransformerBlock[] = [0, 1].map(
        () => new TransformerBlock({ width: 8, heads: 2, layers: 1 }),
      );
      readonly head: Linear = new Linear(6, 2);

      forward(x: g.Tensor): g.Tensor {
        return this.head.forward(this.blocks.reduce((state, block) => block.forward(state), x));
      }
    }
    const model = new Model();
    model.parameters();
    expect(() => model.forward(f(1, 3, 7))).toThrow(/layerNorm of float32\[1, 3, 7\].*in blocks\.0\.norm1$/s);
    expect(() => model.forward(f(1, 3, 8))).toThrow(/linear of float32\[1, 3, 8\] and float32\[2, 6\].*in head$/s);
    expect(() => model.forward(f(1, 3, 8))).toThrow(ShapeError);
    // The path does not stick after an error.
    expect(g.currentPath()).toBe('');
  });

  it('what cannot be differentiated or traced says so', () => {
    expect(() => g.chunk(f(5), 0, 2)).toThrow(GraphError);
    expect(() => g.reduceMean(f('T'))).toThrow(/not known while tracing/);
    expect(() => g.concat([], 0)).toThrow(GraphError);
    expect(() => g.fromNumbers([3], [1, 2])).toThrow(ShapeError);
  });
});
