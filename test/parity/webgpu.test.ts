import { existsSync } from 'node:fs';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { hostTensor, type HostTensor, Random } from '../../src/core/index.ts';
import { conv2d, input, mul, reduceSum, type Tensor } from '../../src/graph/index.ts';
import type { Runtime } from '../../src/runtime/types.ts';
import { checkCase, distance, evaluate, TOLERANCE } from './check-gradients.ts';
import { loadFixtures } from './fixtures.ts';
import { builders, isOffered } from './operator-builders.ts';

// A graphics card, where SENSORIUM_TEST_WEBGPU says so, or else Chromium's software driver where it is installed.
const SOFTWARE = '/usr/lib/chromium/vk_swiftshader_icd.json';
if (existsSync(SOFTWARE)) process.env['VK_ICD_FILENAMES'] ??= SOFTWARE;
const there = existsSync(SOFTWARE) || process.env['SENSORIUM_TEST_WEBGPU'] === '1';

const cases = (await loadFixtures('operators')).filter(({ op, attrs }) => isOffered(op, attrs));

describe.skipIf(!there)('operators on WebGPU against PyTorch (skipped without a driver: install chromium)', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    const { createRuntime } = await import('../../src/runtime/node/index.ts');
    runtime = await createRuntime({ device: 'webgpu', backend: 'c-api' });
  });
  afterAll(async () => {
    await runtime?.dispose();
  });

  it.each(cases)('$name', async (fixture) => {
    await checkCase(runtime, fixture, (inputs) => builders[fixture.op]!({ ...inputs }, fixture.attrs), {
      device: 'webgpu',
      // WGSL asks for an absolute error of 2⁻¹¹ of sine and cosine, no less.
      tolerance: /^(sin|cos)$/.test(fixture.op) ? 2 ** -11 : TOLERANCE,
    });
  });

  // Kernels of convolutions take other ways for channels that come in twos and fours.
  it.each([1, 2, 4])(
    'convolutions in groups whose input has %i channels each equal those of the processor',
    async (channels) => {
      const { createRuntime } = await import('../../src/runtime/node/index.ts');
      const cpu = await createRuntime({ threads: 1 });
      const random = new Random(channels);
      const draw = (...shape: number[]): HostTensor =>
        hostTensor(
          'float32',
          shape,
          Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
        );
      for (const groups of [1, 2, 4]) {
        for (const outputs of [1, 2, 3, 4]) {
          for (const stride of [1, 2]) {
            const given = { x: draw(2, channels * groups, 6, 6), w: draw(outputs * groups, channels, 3, 3) };
            const [x, w] = [given.x, given.w].map(({ shape }, i) => input('xw'[i]!, 'float32', shape)) as [
              Tensor,
              Tensor,
            ];
            const y = conv2d(x, w, undefined, { stride, padding: 1, groups });
            const [dx, dw] = gradients(reduceSum(mul(y, y)), [x, w]);
            const graph = { y, dx: dx!, dw: dw! };
            const [expected, result] = [
              await evaluate(cpu, graph, given),
              await evaluate(runtime, graph, given, 'webgpu'),
            ];
            for (const name of ['y', 'dx', 'dw']) {
              const label = `${name} of ${groups} groups with ${outputs} outputs each, stride ${stride}`;
              expect(distance(result[name]!, expected[name]!), label).toBeLessThan(TOLERANCE);
            }
          }
        }
      }
      await cpu.dispose();
    },
  );
});
