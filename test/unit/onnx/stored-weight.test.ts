import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gradients } from '../../../src/autodiff/index.ts';
import { convertFloats, hostTensor, type HostTensor, Random } from '../../../src/core/index.ts';
import * as g from '../../../src/graph/index.ts';
import type { QuantizationSettings } from '../../../src/hub/index.ts';
import {
  type LocatedWeights,
  openCheckpoint,
  quantizeCheckpoint,
  saveCheckpoint,
  tensorSources,
} from '../../../src/hub/node/index.ts';
import { Embedding, Linear, Module } from '../../../src/nn/index.ts';
import { ModelProtoSchema } from '../../../src/onnx/generated/onnx_pb.ts';
import { lower } from '../../../src/onnx/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import type { Runtime } from '../../../src/runtime/types.ts';
import { floats, integers, run } from '../evaluate.ts';
import { temporaryFolder } from '../hub/node/temporary.ts';

/**
 * Largest ‖y − ŷ‖ / ‖ŷ‖ beside the same product in float64. The kernel rounds its input to 8 bits in each block: a step of
 * max / 127 with max about 2.1 deviations gives an error of 2.1 / 127 / √12 = 0.5 %.
 */
const PRODUCT_TOLERANCE = 0.008;

const root = temporaryFolder();
let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});
afterAll(() => runtime.dispose());

/** A layer, and a table that is also a head. */
class Model extends Module {
  readonly proj: Linear;
  readonly embed_tokens: Embedding;

  constructor(inputs: number) {
    super();
    this.proj = new Linear(inputs, 24);
    this.embed_tokens = new Embedding(30, inputs);
    this.parameters();
  }
}

let made = 0;

async function quantized(
  inputs: number,
  settings: QuantizationSettings,
  dtype: 'float32' | 'bfloat16' = 'float32',
): Promise<{ model: Model; located: LocatedWeights; read: (name: string) => Promise<HostTensor> }> {
  const model = new Model(inputs);
  const folder = join(root, String(made++));
  const tensors = tensorSources(Object.entries(model.initialize(new Random(1))));
  await saveCheckpoint(`${folder}-full`, { config: {}, tensors }, { dtype });
  await quantizeCheckpoint(`${folder}-full`, folder, settings);
  const { weights, tensors: located } = await openCheckpoint(folder);
  const all = await weights.readAll();
  await weights.close();
  return { model, located, read: async (name) => all.get(name)! };
}

async function compute(
  outputs: Readonly<Record<string, g.Tensor>>,
  { folder, places }: LocatedWeights,
  given: Readonly<Record<string, HostTensor>>,
): Promise<Record<string, HostTensor>> {
  const graph = lower(outputs, { external: (name) => places.get(name) });
  expect(graph.parameters).toEqual([]);
  const program = await runtime.compile({ ...graph, externalFolder: folder }, { optimization: 'all' });
  const results = await run(runtime, program, given);
  program.dispose();
  return results;
}

const random = new Random(8);
const normals = (...shape: number[]): HostTensor<'float32'> =>
  floats(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal()),
  );

/** x Wᵀ + b in float64. */
function product(x: HostTensor, weight: HostTensor, bias?: HostTensor): number[] {
  const [rows, inputs] = weight.shape as [number, number];
  const [a, w] = [x.data as Float32Array, weight.data as Float32Array];
  return Array.from({ length: (a.length / inputs) * rows }, (_, i) => {
    const [row, out] = [Math.floor(i / rows), i % rows];
    let sum = bias === undefined ? 0 : Number(bias.data[out]);
    for (let k = 0; k < inputs; k++) sum += a[row * inputs + k]! * w[out * inputs + k]!;
    return sum;
  });
}

function distance(found: HostTensor, expected: readonly number[]): number {
  const data = found.data as Float32Array;
  expect(data).toHaveLength(expected.length);
  const squares = (f: (i: number) => number): number => expected.reduce((sum, _, i) => sum + f(i) ** 2, 0);
  return Math.sqrt(squares((i) => data[i]! - expected[i]!) / squares((i) => expected[i]!));
}

const cases = (['int4', 'int8'] as const).flatMap((form) =>
  ([16, 32, 64, 128] as const).flatMap((block) =>
    [true, false].flatMap((symmetric) => [256, 100].map((inputs) => ({ form, block, symmetric, inputs }))),
  ),
);

describe.each(cases)('$form, blocks of $block, symmetric $symmetric, rows of $inputs', (settings) => {
  const { form, block, symmetric, inputs } = settings;

  it('multiplies, looks up and is a head', async () => {
    const { model, located, read } = await quantized(inputs, { default: form, block, symmetric });
    const x = g.input('x', 'float32', ['B', 'T', inputs]);
    const ids = g.input('ids', 'int64', ['B']);
    const given = { x: normals(2, 3, inputs), ids: integers([2], [17, 0]) };
    const table = model.embed_tokens.weight.tensor;
    const outputs = { y: model.proj.forward(x), rows: model.embed_tokens.forward(ids), logits: g.linear(x, table) };
    const { y, rows, logits } = await compute(outputs, located, given);
    const [weight, bias, vectors] = [
      await read('proj.weight'),
      await read('proj.bias'),
      await read('embed_tokens.weight'),
    ];
    expect(distance(y!, product(given.x, weight, bias))).toBeLessThan(PRODUCT_TOLERANCE);
    expect(distance(logits!, product(given.x, vectors))).toBeLessThan(PRODUCT_TOLERANCE);
    const row = (i: number): number[] => [...(vectors.data as Float32Array).subarray(i * inputs, (i + 1) * inputs)];
    expect([...(rows!.data as Float32Array)]).toEqual([...row(17), ...row(0)]);
  });
});

it.each(['int4', 'int8'] as const)('has the gradient of the numbers that %s stands for', async (form) => {
  const { model, located, read } = await quantized(100, { default: form });
  const x = g.input('x', 'float32', [3, 100]);
  const upstream = g.input('upstream', 'float32', [3, 24]);
  const [dx] = gradients(g.reduceSum(g.mul(model.proj.forward(x), upstream)), [x]);
  const given = { x: normals(3, 100), upstream: normals(3, 24) };
  const found = await compute({ dx: dx! }, located, given);
  const weight = await read('proj.weight');
  const transposed = hostTensor('float32', [100, 24]);
  for (let i = 0; i < 100; i++)
    for (let j = 0; j < 24; j++) transposed.data[i * 24 + j] = Number(weight.data[j * 100 + i]);
  // No rounding of the gradient to 8 bits: what is left is that of float32.
  expect(distance(found['dx']!, product(given.upstream, transposed))).toBeLessThan(1e-6);
});

it('is brought back in training right before each product that reads it, and by no other product', async () => {
  const { model, located } = await quantized(100, { default: 'int4' });
  const ids = g.input('ids', 'int64', [3]);
  const x = model.embed_tokens.forward(ids);
  const states = model.proj.forward(g.exp(x));
  const [dx] = gradients(g.reduceSum(g.mul(states, states)), [x]);
  const { bytes } = lower({ dx: dx! }, { external: (name) => located.places.get(name), training: true });
  const order = computed(bytes);
  expect(order.filter((op) => op === 'MatMulNBits')).toEqual([]);
  // Rows are filled up to whole blocks, which are cut off.
  const [forward, backward] = [order.indexOf('FusedMatMul'), order.lastIndexOf('MatMul')];
  expect(order.slice(forward - 2, forward)).toEqual(['GatherBlockQuantized', 'Slice']);
  expect(order.slice(backward - 2, backward)).toEqual(['GatherBlockQuantized', 'Slice']);
  // One of the table, and one for each pass.
  expect(order.filter((op) => op === 'GatherBlockQuantized')).toHaveLength(3);
});

/**
 * Operators in the order in which the engine computes them: backwards in depth from the nodes that nobody reads, the last of the
 * file first, and of what a node needs again the last first (`Graph::ReverseDFSFrom`).
 */
function computed(bytes: Uint8Array): string[] {
  const { node } = fromBinary(ModelProtoSchema, bytes).graph!;
  const makers = new Map(node.flatMap(({ output }, i) => output.map((name) => [name, i] as const)));
  const needs = node.map(({ input }) =>
    [...new Set(input.flatMap((name) => makers.get(name) ?? []))].sort((a, b) => b - a),
  );
  const read = new Set(needs.flat());
  const done = new Set<number>();
  const visit = (i: number): void => {
    for (const needed of needs[i]!) if (!done.has(needed)) visit(needed);
    done.add(i);
  };
  for (let i = node.length - 1; i >= 0; i--) if (!read.has(i) && !done.has(i)) visit(i);
  return [...done].map((i) => node[i]!.opType);
}

describe('a table in bfloat16', () => {
  it('is looked up before it is converted', async () => {
    const { model, located, read } = await quantized(64, { default: 'stored' }, 'bfloat16');
    const ids = g.input('ids', 'int64', ['B']);
    const outputs = { rows: model.embed_tokens.forward(ids) };
    const { bytes } = lower(outputs, { external: (name) => located.places.get(name) });
    const { node } = fromBinary(ModelProtoSchema, bytes).graph!;
    expect(node.map(({ opType }) => opType)).toEqual(['Gather', 'Cast']);
    const { rows } = await compute(outputs, located, { ids: integers([2], [5, 5]) });
    const table = convertFloats('bfloat16', 'float32', (await read('embed_tokens.weight')).data as Uint16Array);
    const row = [...table.subarray(5 * 64, 6 * 64)];
    expect([...(rows!.data as Float32Array)]).toEqual([...row, ...row]);
  });

  it('is converted once where it is a head too, and looked up all the same', async () => {
    const { model, located } = await quantized(64, { default: 'stored' }, 'bfloat16');
    const logits = g.linear(
      model.embed_tokens.forward(g.input('ids', 'int64', ['B'])),
      model.embed_tokens.weight.tensor,
    );
    const { bytes } = lower({ logits, again: g.neg(logits) }, { external: (name) => located.places.get(name) });
    const { node, initializer } = fromBinary(ModelProtoSchema, bytes).graph!;
    expect(node.map(({ opType }) => opType).sort()).toEqual(['Cast', 'Cast', 'FusedMatMul', 'Gather', 'Neg'].sort());
    expect(initializer.filter(({ name }) => name === 'embed_tokens.weight')).toHaveLength(1);
  });
});
