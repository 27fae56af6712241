import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostTensor, type HostTensor, Random } from '../../../src/core/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import type { Program, Runtime, Value } from '../../../src/runtime/types.ts';
import { GRADIENT, gradientGraph, SEED } from '../../../src/train/step-graph.ts';
import { SIGNATURE, smallBatch, smallFusion } from '../../small-fusion.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1, backend: 'c-api' });
});
afterAll(async () => {
  await runtime.dispose();
});

// The whole objective: two encoders with dropout, two fusion layers, alignment, classification and a contrastive part.
describe('the fusion objective', () => {
  it.each([
    ['vit', 'clip'],
    ['vit', 'siglip'],
    ['convnet', 'clip'],
    ['convnet', 'siglip'],
  ] as const)(
    'with a %s and the %s loss: derivatives along every weight equal central differences',
    async (vision, form) => {
      const trainable = smallFusion(vision, form);
      const parameters = trainable.model.parameters();
      const weights = trainable.model.initialize(new Random(6));
      const program: Program = await runtime.compile(gradientGraph(trainable, SIGNATURE, parameters, 'cpu'), {
        optimization: 'disabled',
      });
      const given: Record<string, HostTensor> = {
        ...weights,
        ...smallBatch(new Random(8)),
        [SEED]: hostTensor('int32', [], Int32Array.of(5)),
      };
      const values: Record<string, Value> = {};
      for (const { name } of program.inputs)
        values[name] = await runtime.allocate(given[name]!.dtype, given[name]!.shape, given[name]);
      const outputs = await program.run(values);
      const gradients: Record<string, HostTensor> = {};
      for (const name of parameters.keys()) gradients[name] = await outputs[GRADIENT + name]!.read();

      const random = new Random(2);
      let difference = 0;
      let size = 0;
      for (const name of parameters.keys()) {
        if (values[name] === undefined) continue;
        const start = weights[name]!;
        const direction = Array.from(start.data as Float32Array, () => random.normal());
        const length = Math.sqrt(direction.reduce((sum, d) => sum + d * d, 0));
        const slope = (gradients[name]!.data as Float32Array).reduce(
          (sum, g, i) => sum + (g * direction[i]!) / length,
          0,
        );
        const lossAt = async (step: number): Promise<number> => {
          const moved = Float32Array.from(start.data as Float32Array, (w, i) => w + (step * direction[i]!) / length);
          await values[name]!.write(hostTensor('float32', start.shape, moved));
          await program.run(values, outputs);
          return (await outputs['loss']!.read()).data[0] as number;
        };
        // Richardson's extrapolation takes the error of third order away; a shorter step would drown in float32's rounding.
        const central = async (h: number): Promise<number> => ((await lossAt(h)) - (await lossAt(-h))) / (2 * h);
        const h = 2 ** -9;
        const estimate = (4 * (await central(h / 2)) - (await central(h))) / 3;
        await values[name]!.write(start);
        difference += (estimate - slope) ** 2;
        size += slope ** 2;
      }
      expect(Math.sqrt(difference / size)).toBeLessThan(1e-3);
      expect(size).toBeGreaterThan(1e-3);
      for (const value of [...Object.values(values), ...Object.values(outputs)]) value.dispose();
      program.dispose();
    },
  );

  it('reports its parts, whose weighted sum is the loss', async () => {
    const trainable = smallFusion();
    const graph = gradientGraph(trainable, SIGNATURE, trainable.model.parameters(), 'cpu');
    expect(graph.outputs.filter(({ shape }) => shape.length === 0).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['loss', 'figure:classification', 'figure:accuracy', 'figure:contrastive']),
    );
  });
});
