import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel } from '../../../../src/auto/node/index.ts';
import { hostTensor, joinRows, Random } from '../../../../src/core/index.ts';
import { input } from '../../../../src/graph/index.ts';
import type { ImageTextModel } from '../../../../src/models/index.ts';
import { attachLora, type Module } from '../../../../src/nn/index.ts';
import { asSeen, SeenPictures, seesAlike } from '../../../../src/recipe/tuning/node/seen-pictures.ts';
import { compileFromFiles } from '../../../../src/generate/index.ts';
import { createRuntime } from '../../../../src/runtime/node/index.ts';
import { runOnce } from '../../../../src/runtime/run-once.ts';
import type { Runtime } from '../../../../src/runtime/types.ts';
import { TWINS } from '../../../tunable.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});
afterAll(() => runtime.dispose());

const folderOf = (name: string): string =>
  fileURLToPath(new URL(`../../../parity/fixtures/${TWINS[name]!}`, import.meta.url));

async function alike(name: string, targets: string, exclude?: string): Promise<boolean> {
  const { architecture } = await openModel(folderOf(name));
  const model = architecture.model as Module;
  model.parameters();
  const adapter = attachLora(model, { rank: 2, targets, ...(exclude === undefined ? {} : { exclude }) });
  return seesAlike(architecture, adapter);
}

describe('pictures that are seen but once', () => {
  it.each(['smolvlm', 'idefics3', 'llava'])('%s: features are those of the whole batch at once', async (name) => {
    const opened = await openModel(folderOf(name));
    const model = opened.architecture.model as ImageTextModel;
    model.parameters();
    const [, ...size] = model.pictureInputs()['pixel_values']!.shape as number[];
    const random = new Random(6);
    const one = (): ReturnType<typeof hostTensor<'float32'>> => {
      const row = hostTensor('float32', [1, ...size]);
      for (let i = 0; i < row.data.length; i++) row.data[i] = random.normal();
      return row;
    };
    const [a, b] = [one(), one()];
    // The third is the first again, the last one a blank that fills the batch up.
    const pixels = joinRows([a, b, a, hostTensor('float32', [1, ...size])]);
    const features = model.pictureFeatures({ pixel_values: input('pixel_values', 'float32', pixels.shape) });
    const program = await compileFromFiles(runtime, { features }, opened.weights, { exact: true });
    const expected = (await runOnce(runtime, program, { pixel_values: pixels }))['features']!;
    program.dispose();

    const ids = hostTensor('int64', [1, 4]);
    const batch = { ids: ['x'], tensors: { ids, pixel_values: pixels } };
    const seen = await SeenPictures.create(runtime, opened);
    const prepared = await seen.prepare(batch);
    expect(Object.keys(prepared.tensors)).toEqual(['ids', 'features']);
    const found = prepared.tensors['features']!;
    expect(found.shape).toEqual(expected.shape);
    const worst = (found.data as Float32Array).reduce(
      (most, x, i) => Math.max(most, Math.abs(x - Number(expected.data[i]))),
      0,
    );
    expect(worst).toBeLessThan(1e-4);
    expect(asSeen(batch, model).tensors['features']!.shape).toEqual(expected.shape);
    const without = { ids: ['y'], tensors: { ids } };
    expect(await seen.prepare(without)).toBe(without);
    seen.dispose();
  });

  it('are not where the adapter changes what is seen, or rows of pixels belong together', async () => {
    const vision = '.*(vision|connector).*';
    expect(await alike('smolvlm', 'all-linear', vision)).toBe(true);
    expect(await alike('smolvlm', 'all-linear')).toBe(false);
    expect(await alike('smolvlm', '.*connector.*')).toBe(false);
    expect(await alike('llava', '.*(q|v)_proj', '.*vision.*')).toBe(true);
    expect(await alike('qwen2_5_vl', '.*(q|v)_proj', '.*visual.*')).toBe(false);
    expect(await alike('llava_onevision', '.*(q|v)_proj', '.*vision.*')).toBe(false);
    expect(await alike('llama', '.*(q|v)_proj')).toBe(false);
  });
});
