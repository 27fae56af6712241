import { describe, expect, it } from 'vitest';
import { GraphError, hostTensor, type HostTensor, Random } from '../../../src/core/index.ts';
import { input } from '../../../src/graph/index.ts';
import { lower } from '../../../src/onnx/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import { runOnce } from '../../../src/runtime/run-once.ts';
import { ImageTextTraining } from '../../../src/train/index.ts';
import { model } from '../recipe/conversations/tiny.ts';

const WEIGHTS = { language: 1, contrastive: 0, shown: 0, concepts: 5, attributeClasses: [3, 2] };

describe('what an image-text model is trained for', () => {
  it('has a layer for each attribute of regions', () => {
    expect(new ImageTextTraining(model(), { ...WEIGHTS, regions: 1, attributes: 0.3 }).attributes).toHaveLength(2);
    expect(new ImageTextTraining(model(), { ...WEIGHTS, regions: 1 }).attributes).toEqual([]);
  });

  it('is not attributes of regions without the regions', () => {
    const make = (): unknown => new ImageTextTraining(model(), { ...WEIGHTS, regions: 0, attributes: 0.3 });
    expect(make).toThrow(GraphError);
    expect(make).toThrow('give regions a weight above 0, or leave attributes out');
  });

  it('is nothing for a batch of which no region is known', async () => {
    const training = new ImageTextTraining(model(), { ...WEIGHTS, language: 0, regions: 1, attributes: 0.3 });
    const ignored = (shape: readonly number[], count: number): HostTensor =>
      hostTensor('int64', shape, new BigInt64Array(count).fill(-100n));
    const batch: Record<string, HostTensor> = {
      pixel_values: hostTensor('float32', [1, 3, 16, 16]),
      region_weights: hostTensor('float32', [1, 3, 16]),
      region_concepts: ignored([3], 3),
      region_attributes: ignored([2, 3], 6),
    };
    const given = { ...training.initialize(new Random(1)), ...batch };
    const inputs = Object.entries(batch).map(([name, { dtype, shape }]) => [name, input(name, dtype, shape)] as const);
    const runtime = await createRuntime({ threads: 1 });
    try {
      const program = await runtime.compile(lower({ loss: training.loss(Object.fromEntries(inputs)).loss }));
      const named = program.inputs.map(({ name }) => [name, given[name]!] as const);
      const { loss } = await runOnce(runtime, program, Object.fromEntries(named));
      expect(loss!.data[0]).toBe(0);
    } finally {
      await runtime.dispose();
    }
  });
});
