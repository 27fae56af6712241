import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CheckpointError, hostTensor, type HostTensor, Random } from '../../../../src/core/index.ts';
import { input } from '../../../../src/graph/index.ts';
import { SensoriumVL, standardizedTower } from '../../../../src/models/index.ts';
import { lower } from '../../../../src/onnx/index.ts';
import { createRuntime } from '../../../../src/runtime/node/index.ts';
import { runOnce } from '../../../../src/runtime/run-once.ts';
import type { Runtime } from '../../../../src/runtime/types.ts';
import { config } from '../../recipe/conversations/tiny.ts';

const PICTURES = 5;
let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});
afterAll(async () => {
  await runtime.dispose();
});

/** Features of noise, [I · P, E], and what the shared space is given of them. */
async function features(
  weights: Readonly<Record<string, HostTensor>>,
): Promise<{ rows: number[][]; projected: number[] }> {
  const model = new SensoriumVL(config);
  model.parameters();
  const random = new Random(2);
  const pixels = hostTensor('float32', [PICTURES, 3, 16, 16]);
  for (let i = 0; i < pixels.data.length; i++) pixels.data[i] = random.normal();
  const patches = model.patches(input('pixel_values', 'float32', pixels.shape));
  const program = await runtime.compile(lower({ patches, projected: model.vision_projection.forward(patches) }));
  const given: Readonly<Record<string, HostTensor>> = { ...weights, pixel_values: pixels };
  const named = Object.fromEntries(program.inputs.map(({ name }) => [name, given[name]!]));
  const { patches: found, projected } = await runOnce(runtime, program, named);
  program.dispose();
  const { width } = config.vision;
  const data = found!.data as Float32Array;
  const rows = Array.from({ length: data.length / width }, (_, i) => [...data.subarray(i * width, (i + 1) * width)]);
  return { rows, projected: [...(projected!.data as Float32Array)] };
}

/** Mean and variance of each column. */
function statistics(rows: readonly (readonly number[])[]): { mean: number[]; variance: number[] } {
  const columns = rows[0]!.map((_, e) => rows.map((row) => row[e]!));
  const mean = columns.map((column) => column.reduce((a, b) => a + b, 0) / column.length);
  const variance = columns.map((column, e) => column.reduce((sum, x) => sum + (x - mean[e]!) ** 2, 0) / column.length);
  return { mean, variance };
}

const vector = (values: readonly number[]): HostTensor<'float32'> =>
  hostTensor('float32', [values.length], Float32Array.from(values));

describe('a tower whose features are standardised', () => {
  it('gives mean 0 and deviation 1, and differences in the shared space as before', async () => {
    const model = new SensoriumVL(config);
    const weights = model.initialize(new Random(1));
    const before = await features(weights);
    const { mean, variance } = statistics(before.rows);
    const changed = standardizedTower(weights, { mean: vector(mean), variance: vector(variance) });
    const after = await features({ ...weights, ...changed });
    const now = statistics(after.rows);
    for (const [e, value] of now.mean.entries()) {
      expect(value).toBeCloseTo(0, 4);
      expect(now.variance[e]).toBeCloseTo(1, 3);
    }
    const width = config.projection;
    for (let i = width; i < before.projected.length; i++)
      expect(after.projected[i]! - after.projected[i % width]!).toBeCloseTo(
        before.projected[i]! - before.projected[i % width]!,
        4,
      );
  });

  it('needs the weights that change', () => {
    const none = { mean: vector([0]), variance: vector([1]) };
    expect(() => standardizedTower({}, none)).toThrow(CheckpointError);
  });
});
