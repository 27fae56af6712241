import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostTensor, type HostTensor, Random } from '../../src/core/index.ts';
import { input } from '../../src/graph/index.ts';
import { matchTensors } from '../../src/hub/index.ts';
import { readSafetensors } from '../../src/hub/node/safetensors-file.ts';
import { lower } from '../../src/onnx/index.ts';
import { createRuntime } from '../../src/runtime/node/index.ts';
import type { Program, Runtime, Value } from '../../src/runtime/types.ts';
import { distance } from './check-gradients.ts';
import { asFloat32, type EncoderCase, ENCODERS } from './encoder-cases.ts';

/**
 * Largest ‖x − x̂‖ / ‖x̂‖ of float32 beside Transformers in float64. Three blocks of width 40 round off about 1e-6; a wrong
 * epsilon of a norm, or the wrong form of gelu, costs 1e-4 and more.
 */
const TOLERANCE = 1e-4;
/** How far a tensor is moved, relative to its size, to see that it matters. */
const NUDGE = 0.05;

type Tensors = ReadonlyMap<string, HostTensor>;

interface Twin {
  readonly encoder: EncoderCase;
  readonly files: Tensors;
  readonly given: Readonly<Record<string, HostTensor>>;
  readonly expected: Readonly<Record<string, HostTensor>>;
}

async function loadTwin(name: string): Promise<Twin> {
  const path = (file: string): string => fileURLToPath(new URL(`fixtures/encoders/${name}/${file}`, import.meta.url));
  const files = await readSafetensors(path('model.safetensors'));
  const config: unknown = JSON.parse(readFileSync(path('config.json'), 'utf8'));
  const tensors = await readSafetensors(path('expected.safetensors'));
  const part = (prefix: string): Record<string, HostTensor> =>
    Object.fromEntries(
      [...tensors].flatMap(([key, tensor]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), tensor]] : [])),
    );
  return { encoder: ENCODERS[name]!(config, files.keys()), files, given: part('in/'), expected: part('out/') };
}

/** Weights by the model's paths, found by a strict account of the file. */
function weightsOf({ encoder, files }: Twin): Record<string, HostTensor> {
  const found = [...files].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  const account = matchTensors(encoder.model.parameters(), found, encoder.rules, 'model.safetensors');
  return Object.fromEntries([...account.names].map(([path, name]) => [path, asFloat32(files.get(name)!)]));
}

async function compile(runtime: Runtime, { encoder, given }: Twin): Promise<Program> {
  const inputs = Object.entries(given).map(([name, { dtype, shape }]) => {
    // Batches of pictures and of texts are sizes of their own.
    const symbols = name === 'pixels' ? ['I'] : ['B', 'T'];
    const dims = shape.map((size, axis) => (encoder.open[name]?.includes(axis) ? symbols[axis]! : size));
    return [name, input(name, dtype, dims)] as const;
  });
  const outputs = prefixedOutputs(encoder.outputs(Object.fromEntries(inputs)));
  return runtime.compile(lower(outputs), { optimization: 'all' });
}

function prefixedOutputs<T>(outputs: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(outputs).map(([name, output]) => [`out/${name}`, output]));
}

async function readAll(values: Readonly<Record<string, Value>>): Promise<Record<string, HostTensor>> {
  const read: Record<string, HostTensor> = {};
  for (const [name, value] of Object.entries(values)) {
    read[name.slice('out/'.length)] = await value.read();
    value.dispose();
  }
  return read;
}

/** A copy in which every number has moved. */
function nudged({ shape, data }: HostTensor, random: Random): HostTensor {
  const numbers = data as Float32Array;
  const size = Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length);
  return hostTensor(
    'float32',
    shape,
    numbers.map((x) => x + NUDGE * size * random.normal()),
  );
}

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});
afterAll(async () => {
  await runtime.dispose();
});

describe.each(Object.keys(ENCODERS))('%s', (name) => {
  it('gives what Transformers gives, and every tensor matters', async () => {
    const twin = await loadTwin(name);
    const weights = weightsOf(twin);
    const program = await compile(runtime, twin);
    expect(program.inputs.map((each) => each.name).sort()).toEqual(
      [...Object.keys(twin.given), ...Object.keys(weights)].sort(),
    );
    const values: Record<string, Value> = {};
    for (const [path, tensor] of Object.entries({ ...twin.given, ...weights }))
      values[path] = await runtime.allocate(tensor.dtype, tensor.shape, tensor);

    const results = await readAll(await program.run(values));
    expect(Object.keys(results).sort()).toEqual(Object.keys(twin.expected).sort());
    const distances = Object.entries(twin.expected).map(
      ([output, tensor]) => [output, distance(results[output]!, tensor)] as const,
    );
    for (const [output, far] of distances) expect(far, output).toBeLessThan(TOLERANCE);
    if (process.env['PARITY_FIGURES'] !== undefined)
      process.stdout.write(`${name}: ${Math.max(...distances.map(([, far]) => far)).toExponential(1)}\n`);

    const random = new Random(1);
    let least = Infinity;
    for (const [path, tensor] of Object.entries(weights)) {
      await values[path]!.write(nudged(tensor, random));
      const moved = await readAll(await program.run(values));
      const farthest = Math.max(...Object.entries(twin.expected).map(([key, right]) => distance(moved[key]!, right)));
      expect(farthest, `${path}, moved by ${100 * NUDGE} %, changes too little`).toBeGreaterThan(5 * TOLERANCE);
      least = Math.min(least, farthest);
      await values[path]!.write(tensor);
    }
    if (process.env['PARITY_FIGURES'] !== undefined)
      process.stdout.write(`${name}: least effect of a tensor ${least.toExponential(1)}\n`);
    for (const value of Object.values(values)) value.dispose();
    program.dispose();
  });
});
