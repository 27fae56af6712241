import { existsSync } from 'node:fs';
import process from 'node:process';
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { Runtime } from '../../src/runtime/types.ts';
import { checkCase, TOLERANCE } from './check-gradients.ts';
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
});
