import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { GraphError } from '../../../src/core/index.ts';
import * as g from '../../../src/graph/index.ts';
import { Linear } from '../../../src/nn/index.ts';
import { ModelProtoSchema } from '../../../src/onnx/generated/onnx_pb.ts';
import { lower } from '../../../src/onnx/index.ts';

describe('lower', () => {
  it('lists inputs, weights and outputs', () => {
    const layer = new Linear(3, 2);
    layer.parameters();
    const x = g.input('x', 'float32', ['B', 3]);
    const graph = lower({ y: layer.forward(x) });
    expect(graph.inputs.map(({ name }) => name).sort()).toEqual(['bias', 'weight', 'x']);
    expect(graph.parameters).toEqual(['weight', 'bias']);
    expect(graph.outputs).toEqual([{ name: 'y', dtype: 'float32', shape: ['B', 2] }]);
  });

  it('gives the same bytes for the same model, whatever was traced before', () => {
    const make = (): Uint8Array => {
      const x = g.input('x', 'float32', [2, 3]);
      return lower({ y: g.softmax(g.mul(x, 2)) }).bytes;
    };
    const first = make();
    g.exp(g.input('other', 'float32', [1]));
    expect(make()).toEqual(first);
  });

  it('refuses names that mean two things', () => {
    const [a, b] = [g.input('x', 'float32', [1]), g.input('x', 'float32', [1])];
    expect(() => lower({ y: g.add(a, b) })).toThrow(/two inputs are called 'x'/);
    expect(() => lower({ x: g.exp(a) })).toThrow(GraphError);
    expect(() => lower({ x: g.exp(a) })).toThrow(/an input and an output are both called 'x'/);
  });

  it('asks for paths before weights are traced', () => {
    const layer = new Linear(3, 2);
    expect(() => lower({ y: layer.forward(g.input('x', 'float32', [1, 3])) })).toThrow(/a weight has no name/);
  });

  it('points to weights in files', () => {
    const layer = new Linear(3, 2);
    layer.parameters();
    const graph = lower(
      { y: layer.forward(g.input('x', 'float32', [1, 3])) },
      {
        external: (name) => (name === 'weight' ? { location: 'model.safetensors', offset: 64, length: 24 } : undefined),
      },
    );
    expect(graph.parameters).toEqual(['bias']);
    expect(new TextDecoder().decode(graph.bytes)).toContain('model.safetensors');
  });

  it('puts what nobody reads further at the end and turned around, on which the order of computing depends', () => {
    const x = g.input('x', 'float32', [2]);
    const [a, b] = [g.exp(x), g.sin(x)];
    const { node } = fromBinary(
      ModelProtoSchema,
      lower({ first: g.neg(a), second: g.cos(b), third: g.add(a, b) }).bytes,
    ).graph!;
    expect(node.map(({ opType }) => opType)).toEqual(['Exp', 'Sin', 'Add', 'Cos', 'Neg']);
  });
});
