import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { kernels } from './webgpu-kernels.ts';

// A graphics card, where SENSORIUM_TEST_WEBGPU says so, or else Chromium's software driver where it is installed.
const SOFTWARE = '/usr/lib/chromium/vk_swiftshader_icd.json';
if (existsSync(SOFTWARE)) process.env['VK_ICD_FILENAMES'] ??= SOFTWARE;
const there = existsSync(SOFTWARE) || process.env['SENSORIUM_TEST_WEBGPU'] === '1';

describe.skipIf(!there)('kernels of WebGPU (skipped without a driver: install chromium)', () => {
  it('those that are missing are the ones that docs/webgpu.md names', async () => {
    const { createRuntime } = await import('../../src/runtime/node/index.ts');
    const runtime = await createRuntime({ device: 'webgpu', backend: 'c-api' });
    const missing: string[] = [];
    for (const { name, source } of kernels) {
      try {
        // Without this the engine puts what it has no kernel for on the processor, silently.
        const program = await runtime.compile(source, {
          optimization: 'disabled',
          config: { 'session.disable_cpu_ep_fallback': '1' },
        });
        program.dispose();
      } catch (error) {
        expect(String(error), name).toMatch(/assigned to the default CPU EP|Could not find an implementation/);
        missing.push(name);
      }
    }
    await runtime.dispose();
    const text = await readFile(new URL('../../docs/webgpu.md', import.meta.url), 'utf8');
    const named = [...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name);
    expect(named.sort()).toEqual(missing.sort());
  });
});
