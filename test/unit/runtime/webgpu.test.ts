import { existsSync } from 'node:fs';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostTensor } from '../../../src/core/index.ts';
import type { Runtime } from '../../../src/runtime/types.ts';
import { binary, model, spec } from './onnx-model.ts';

// A graphics card, where SENSORIUM_TEST_WEBGPU says so, or else Chromium's software driver where it is installed.
const SOFTWARE = '/usr/lib/chromium/vk_swiftshader_icd.json';
if (existsSync(SOFTWARE)) process.env['VK_ICD_FILENAMES'] ??= SOFTWARE;
const there = existsSync(SOFTWARE) || process.env['SENSORIUM_TEST_WEBGPU'] === '1';

describe.skipIf(!there)('WebGPU (skipped without a driver: install chromium, or set SENSORIUM_TEST_WEBGPU=1)', () => {
  describe.each(['c-api', 'binding'] as const)('%s', (backend) => {
    let runtime: Runtime;
    beforeAll(async () => {
      const { createRuntime } = await import('../../../src/runtime/node/index.ts');
      runtime = await createRuntime({ device: 'webgpu', backend });
    }, 60_000);
    afterAll(async () => {
      await runtime.dispose();
    });

    it('keeps values, reads and writes them', async () => {
      const x = await runtime.allocate(
        'float32',
        [2, 3],
        hostTensor('float32', [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6)),
      );
      expect((await x.read()).data).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
      await x.write(hostTensor('float32', [2, 3], new Float32Array(6).fill(7)));
      expect((await x.read()).data).toEqual(new Float32Array(6).fill(7));
      const ids = await runtime.allocate('int64', [2], hostTensor('int64', [2], BigInt64Array.of(5n, -6n)));
      expect((await ids.read()).data).toEqual(BigInt64Array.of(5n, -6n));
      const flags = await runtime.allocate('bool', [3], hostTensor('bool', [3], Uint8Array.of(1, 0, 1)));
      expect((await flags.read()).data).toEqual(Uint8Array.of(1, 0, 1));
      const empty = await runtime.allocate('float32', [0, 2]);
      expect((await empty.read()).data).toHaveLength(0);
    });

    it('updates values over 100 steps as the CPU does', async () => {
      const source = model({
        inputs: [spec('x', [4, 4]), spec('w', [4, 4])],
        outputs: [spec('next', [4, 4])],
        nodes: [
          { op: 'MatMul', inputs: ['x', 'w'], outputs: ['xw'] },
          { op: 'Tanh', inputs: ['xw'], outputs: ['next'] },
        ],
      });
      const { createRuntime } = await import('../../../src/runtime/node/index.ts');
      const cpu = await createRuntime({ threads: 1 });
      const start = Float32Array.from({ length: 16 }, (_, i) => Math.cos(i));
      const weights = Float32Array.from({ length: 16 }, (_, i) => Math.sin(i * 7) / 2);
      const results = await Promise.all(
        [runtime, cpu].map(async (each) => {
          // In place is promised, and must do no harm where the device cannot do it.
          const program = await each.compile(source, { inPlace: each === runtime });
          const x = await each.allocate('float32', [4, 4], hostTensor('float32', [4, 4], start));
          const w = await each.allocate('float32', [4, 4], hostTensor('float32', [4, 4], weights));
          for (let step = 0; step < 100; step++) await program.run({ x, w }, { next: x });
          return (await x.read()).data as Float32Array;
        }),
      );
      for (const [i, value] of results[0]!.entries()) expect(value).toBeCloseTo(results[1]![i]!, 5);
      await cpu.dispose();
    });

    it('keeps results of unknown size on the device', async () => {
      const program = await runtime.compile(binary('Add', ['n']));
      const x = await runtime.allocate('float32', [3], hostTensor('float32', [3], Float32Array.of(1, 2, 3)));
      const { z } = await program.run({ x, y: x });
      expect(z!.shape).toEqual([3]);
      const again = await program.run({ x: z!, y: x }, { z: z! });
      expect((await again['z']!.read()).data).toEqual(Float32Array.of(3, 6, 9));
    });

    it('outlives its programs', async () => {
      const program = await runtime.compile(binary('Add', [1]));
      const x = await runtime.allocate('float32', [1], hostTensor('float32', [1], Float32Array.of(4)));
      program.dispose();
      const next = await runtime.compile(binary('Mul', [1]));
      expect((await (await next.run({ x, y: x }))['z']!.read()).data).toEqual(Float32Array.of(16));
    });

    it('gives memory back', async () => {
      const before = runtime.memory().values;
      const x = await runtime.allocate('float32', [1000]);
      expect(runtime.memory().values - before).toBe(4000);
      x.dispose();
      expect(runtime.memory().values).toBe(before);
    });
  });
});
