import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRuntime } from '../../src/runtime/node/index.ts';
import { trainSmall } from '../small-fusion.ts';
import { chromiumPath, openPage, type OpenPage } from './browser/open-page.ts';

const STEPS = 5;
type Train = (
  device: 'wasm' | 'webgpu',
  steps: number,
  vision: 'vit' | 'convnet',
) => Promise<{ version: string; losses: number[] }>;

describe.skipIf(chromiumPath === undefined)(
  'training in a browser (skipped without Chromium: see scripts/browser-deps.mjs)',
  () => {
    let open: OpenPage;
    beforeAll(async () => {
      open = await openPage();
    });
    afterAll(async () => {
      await open?.close();
    });

    describe.each(['vit', 'convnet'] as const)('a small fusion model with a %s', (vision) => {
      let expected: number[];
      beforeAll(async () => {
        const runtime = await createRuntime({ threads: 1 });
        expected = (await trainSmall(runtime, STEPS, { vision })).losses;
        await runtime.dispose();
      });

      it.each(['wasm', 'webgpu'] as const)('on %s gives the losses of the processor in Node', async (device) => {
        const result = await open.page
          .evaluate(([d, steps, v]) => (globalThis as unknown as { train: Train }).train(d, steps, v), [
            device,
            STEPS,
            vision,
          ] as const)
          .catch((error: unknown) => {
            throw new Error(`${String(error)}\n${open.console.slice(-20).join('\n')}`);
          });
        expect(result.version).toMatch(/onnxruntime-web 1\./);
        expect(result.losses).toHaveLength(STEPS);
        result.losses.forEach((loss, i) =>
          expect(Math.abs(loss / expected[i]! - 1), `step ${i}: ${loss} and ${expected[i]}`).toBeLessThan(1e-4),
        );
      });
    });
  },
);
