import { expect } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { type DType, hostTensor, type HostTensor } from '../../src/core/index.ts';
import {
  add,
  cast,
  constant,
  input,
  mul,
  type Node,
  reachableNodes,
  reduceSum,
  type Tensor,
} from '../../src/graph/index.ts';
import type { Module } from '../../src/nn/index.ts';
import { lower, type LoweringDevice } from '../../src/onnx/index.ts';
import type { Runtime } from '../../src/runtime/types.ts';
import type { FixtureCase } from './fixtures.ts';

export type Named = Readonly<Record<string, Tensor>>;
/** Builds what a case computes: one tensor, called `y`, or several by name. */
export type Build = (inputs: Named) => Tensor | Named;

/** Largest ‖x − x̂‖ / ‖x̂‖ in float32. */
export const TOLERANCE = 1e-4;
/** The same against central differences, whose own error is larger. */
export const DIFFERENCE_TOLERANCE = 1e-3;

/** The numbers of a tensor of any type. */
export function numbers(tensor: HostTensor): number[] {
  return Array.from(tensor.data as ArrayLike<number | bigint>, Number);
}

function norm(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));
}

/** ‖a − b‖ / ‖b‖; where b is zero but for rounding, ‖a‖ / `scale`. */
export function distance(a: HostTensor, b: HostTensor, scale = 1): number {
  expect(a.shape).toEqual(b.shape);
  const [x, y] = [numbers(a), numbers(b)];
  const difference = norm(x.map((value, i) => value - y[i]!));
  const size = norm(y);
  return size > 1e-9 ? difference / size : difference / Math.max(scale, 1e-9);
}

function asNamed(built: Tensor | Named): Named {
  return 'node' in built ? { y: built as Tensor } : built;
}

function asType(tensor: HostTensor, dtype: DType): HostTensor {
  if (tensor.dtype !== 'float32' && tensor.dtype !== 'float64') return tensor;
  const data = numbers(tensor);
  return dtype === 'float64'
    ? hostTensor('float64', tensor.shape, Float64Array.from(data))
    : hostTensor('float32', tensor.shape, Float32Array.from(data));
}

/** Σ over outputs of ⟨output, upstream⟩. */
function total(outputs: Named, upstream: FixtureCase['upstream'], dtype: DType): Tensor {
  const terms = Object.entries(upstream).map(([name, weight]) =>
    weight === 'one' ? outputs[name]! : reduceSum(mul(outputs[name]!, constant(asType(weight, dtype)))),
  );
  return terms.reduce((a, b) => add(a, b));
}

/** Compiles a graph, runs it once and reads all outputs. */
export async function evaluate(
  runtime: Runtime,
  outputs: Named,
  given: Readonly<Record<string, HostTensor>>,
  device: LoweringDevice = 'cpu',
): Promise<Record<string, HostTensor>> {
  const graph = lower(outputs, { device });
  const program = await runtime.compile(graph, { optimization: 'disabled', memoryPattern: false });
  const values = await Promise.all(
    graph.inputs.map(async ({ name }) => {
      const tensor = given[name];
      if (tensor === undefined) throw new Error(`the test gives no '${name}'`);
      return [name, await runtime.allocate(tensor.dtype, tensor.shape, tensor)] as const;
    }),
  );
  const results = await program.run(Object.fromEntries(values));
  const read: Record<string, HostTensor> = {};
  for (const [name, value] of Object.entries(results)) read[name] = await value.read();
  for (const value of [...values.map(([, each]) => each), ...Object.values(results)]) value.dispose();
  program.dispose();
  return read;
}

export interface CheckOptions {
  readonly dtype?: 'float32' | 'float64';
  readonly device?: LoweringDevice;
  readonly tolerance?: number;
  /** Where the parameters come from; their paths must be the keys of the case's `params`. */
  readonly module?: Module;
  /** From a path in the module to a key of the case. */
  readonly key?: (path: string) => string;
}

/**
 * Compares the outputs and all gradients of a case with the fixture's.
 * @returns the nodes of the forward pass
 */
export async function checkCase(
  runtime: Runtime,
  fixture: FixtureCase,
  build: Build,
  options: CheckOptions = {},
): Promise<Node[]> {
  const { dtype = 'float32', device = 'cpu', tolerance = TOLERANCE, module, key = (path: string) => path } = options;
  const parameters = module?.parameters() ?? new Map();
  expect([...parameters.keys()].map(key).sort(), 'the parameters').toEqual(Object.keys(fixture.params).sort());
  const given: Record<string, HostTensor> = {};
  const inputs: Record<string, Tensor> = {};
  for (const [name, tensor] of Object.entries(fixture.inputs)) {
    given[name] = asType(tensor, dtype);
    inputs[name] = input(name, given[name].dtype, tensor.shape);
  }
  const wanted = new Map<string, Tensor>();
  for (const [path, parameter] of parameters) {
    given[path] = fixture.params[key(path)]!;
    expect(given[path].shape, path).toEqual(parameter.shape);
    wanted.set(key(path), parameter.tensor);
  }
  for (const name of Object.keys(fixture.gradients)) if (!wanted.has(name)) wanted.set(name, inputs[name]!);
  const outputs = asNamed(build(inputs));
  const computed: Record<string, Tensor> = {};
  for (const name of Object.keys(fixture.outputs)) computed[`out:${name}`] = outputs[name]!;
  if (wanted.size > 0) {
    const found = gradients(total(outputs, fixture.upstream, dtype), [...wanted.values()]);
    [...wanted.keys()].forEach((name, i) => (computed[`grad:${name}`] = found[i]!));
  }
  const results = await evaluate(runtime, computed, given, device);
  for (const [name, expected] of Object.entries(fixture.outputs)) {
    expect(distance(results[`out:${name}`]!, expected), `${fixture.name}: output ${name}`).toBeLessThan(tolerance);
  }
  const largest = Math.max(...Object.values(fixture.gradients).map((gradient) => norm(numbers(gradient))));
  for (const [name, expected] of Object.entries(fixture.gradients)) {
    expect(distance(results[`grad:${name}`]!, expected, largest), `${fixture.name}: gradient of ${name}`).toBeLessThan(
      tolerance,
    );
  }
  return reachableNodes(Object.values(outputs));
}

/**
 * Compares gradients with central differences of the same graph: they need no reference but the forward pass.
 * @param given inputs by name
 * @param dtype float64 where the engine has the kernels; differences in float32 take a longer step
 * @param only inputs that are differentiated, as far as they hold floating-point numbers; all by default
 * @returns the nodes of the forward pass
 */
export async function checkDifferences(
  runtime: Runtime,
  build: Build,
  given: Readonly<Record<string, HostTensor>>,
  dtype: 'float32' | 'float64',
  only: readonly string[] = Object.keys(given),
): Promise<Node[]> {
  const host: Record<string, HostTensor> = Object.fromEntries(
    Object.entries(given).map(([name, tensor]) => [name, asType(tensor, dtype)]),
  );
  const inputs = Object.fromEntries(
    Object.entries(host).map(([name, tensor]) => [name, input(name, tensor.dtype, tensor.shape)]),
  );
  const outputs = asNamed(build(inputs));
  const upstream: Record<string, HostTensor> = {};
  for (const [name, { shape, dtype: type }] of Object.entries(outputs)) {
    if (type !== dtype) continue;
    const size = (shape as number[]).reduce((a, b) => a * b, 1);
    upstream[name] = hostTensor(
      'float64',
      shape as number[],
      Float64Array.from({ length: size }, (_, i) => Math.cos(1 + 2.3 * i)),
    );
  }
  const objective = total(outputs, upstream, dtype);
  const wanted = only.filter((name) => host[name]!.dtype === dtype);
  const found = gradients(
    objective,
    wanted.map((name) => inputs[name]!),
  );
  const analytic = await evaluate(
    runtime,
    Object.fromEntries(wanted.map((name, i) => [`grad:${name}`, found[i]!])),
    host,
  );

  const graph = lower({ total: cast(objective, 'float64') });
  const program = await runtime.compile(graph, { optimization: 'disabled', memoryPattern: false });
  const values: Record<string, Awaited<ReturnType<Runtime['allocate']>>> = {};
  for (const { name } of graph.inputs)
    values[name] = await runtime.allocate(host[name]!.dtype, host[name]!.shape, host[name]);
  const result = await runtime.allocate('float64', []);
  const evaluateAt = async (name: string, index: number, x: number): Promise<number> => {
    const tensor = host[name]!;
    const before = tensor.data[index]!;
    (tensor.data as Float64Array)[index] = x;
    await values[name]!.write(tensor);
    await program.run(values, { total: result });
    tensor.data[index] = before;
    await values[name]!.write(tensor);
    return (await result.read()).data[0] as number;
  };
  for (const name of wanted) {
    const tensor = host[name]!;
    const estimate = new Float64Array(tensor.data.length);
    for (let i = 0; i < estimate.length && values[name] !== undefined; i++) {
      const x = tensor.data[i] as number;
      // A power of two, so that x ± step is exact in float32 too.
      const step = dtype === 'float64' ? 2 ** -17 : 2 ** -7;
      estimate[i] = ((await evaluateAt(name, i, x + step)) - (await evaluateAt(name, i, x - step))) / (2 * step);
    }
    expect(
      distance(analytic[`grad:${name}`]!, hostTensor('float64', tensor.shape, estimate)),
      `gradient of ${name}`,
    ).toBeLessThan(DIFFERENCE_TOLERANCE);
  }
  for (const value of [...Object.values(values), result]) value.dispose();
  program.dispose();
  return reachableNodes(Object.values(outputs));
}
