import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { matchTensors } from '../../src/hub/index.ts';
import { readSafetensors } from '../../src/hub/node/safetensors-file.ts';
import type { PreparedPicture } from '../../src/models/index.ts';
import { bestResolution, featureRegions, featureRows } from '../../src/models/llava_onevision/features.ts';
import { createRuntime } from '../../src/runtime/node/index.ts';
import type { Runtime } from '../../src/runtime/types.ts';
import { answer, caseOf, close, Fixture, folderOf, openSpeaker, promptOf } from './multimodal-fixture.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});
afterAll(async () => {
  await runtime.dispose();
});

describe('names in files', () => {
  // [as version 5 of Transformers writes them, as in released files, as versions 4.52 to 4.57 wrote them]
  const SPELLINGS: readonly (readonly [RegExp, string, string])[] = [
    [/^vision_tower\./, 'vision_tower.vision_model.', 'model.vision_tower.vision_model.'],
    [/^language_model\.model\./, 'language_model.model.', 'model.language_model.'],
    [/^language_model\.lm_head\./, 'language_model.lm_head.', 'lm_head.'],
    [/^multi_modal_projector\./, 'multi_modal_projector.', 'model.multi_modal_projector.'],
    [/^image_newline$/, 'image_newline', 'model.image_newline'],
  ];

  it.each(['llava', 'llava-qwen2', 'llava_onevision'])('of %s are known in all their spellings', async (name) => {
    const { model, rules } = caseOf(name);
    const files = await readSafetensors(join(folderOf(name), 'model.safetensors'));
    for (const spelling of [1, 2] as const) {
      const found = [...files].map(([key, { dtype, shape }]) => {
        const [now, ...others] = SPELLINGS.find(([pattern]) => pattern.test(key))!;
        return { name: key.replace(now, others[spelling - 1]!), dtype, shape };
      });
      const { names } = matchTensors(model.parameters(), found, rules, 'file');
      expect(names.size).toBe(files.size);
      // A path is what the tensor is called in released files.
      if (spelling === 1) for (const [path, key] of names) expect(key).toBe(path);
    }
  });

  it.each(['idefics3', 'smolvlm'])('of %s are the paths of its parameters', async (name) => {
    const { model } = caseOf(name);
    const files = await readSafetensors(join(folderOf(name), 'model.safetensors'));
    expect([...files.keys()].sort()).toEqual([...model.parameters().keys()].sort());
  });
});

describe('pictures in tiles', () => {
  it('have as many features as the released LLaVA-OneVision makes of their size', async () => {
    const { expected } = await Fixture.load('llava_onevision');
    const sides = [384, 768, 1152, 1536, 1920, 2304];
    const pinpoints = sides.flatMap((height) => sides.map((width) => [height, width] as const));
    const layout = { tileSize: 384, patches: 27, mostTiles: 9, pinpoints };
    const counts = Array.from(expected.get('counts')!.data as BigInt64Array, Number);
    for (let i = 0; i < counts.length; i += 3) {
      const [height, width, count] = counts.slice(i, i + 3) as [number, number, number];
      const best = bestResolution([height, width], pinpoints);
      const tiles = 1 + (best[0] * best[1]) / 384 ** 2;
      const { rows, weights } = featureRows([{ tiles, imageSize: [height, width] }], layout);
      expect(rows.shape[0], `${height} × ${width}`).toBe(count);
      // Those of the parts lie side by side over the whole picture, behind a first view of it.
      const regions = featureRegions({ tiles, imageSize: [height, width] }, layout);
      expect(regions).toHaveLength(count);
      const area = (of: typeof regions): number =>
        of.reduce((sum, region) => sum + (region ? (region[2] - region[0]) * (region[3] - region[1]) : 0), 0);
      expect(area(regions.slice(0, 27 ** 2))).toBeCloseTo(1, 9);
      expect(area(regions.slice(27 ** 2))).toBeCloseTo(1, 9);
      // Each feature is a mean, of rows that are there.
      const parts = rows.shape[1]!;
      let farthest = 0;
      for (let row = 0; row < count; row++) {
        let sum = 0;
        for (let k = 0; k < parts; k++) sum += weights.data[row * parts + k]!;
        farthest = Math.max(farthest, Math.abs(sum - 1));
      }
      expect(farthest).toBeLessThan(1e-6);
      expect(rows.data.every((row) => row >= 0n && row < BigInt(tiles * (1 + 27 ** 2)))).toBe(true);
    }
  });

  it('are refused before the model writes', async () => {
    const name = 'llava_onevision';
    const fixture = await Fixture.load(name);
    const speaker = await openSpeaker(runtime, caseOf(name), folderOf(name));
    const picture = fixture.picture(0);
    const failure = async (given: PreparedPicture): Promise<unknown> =>
      speaker.encoder.encode(given).catch((error: unknown) => error);
    expect(await failure({ ...picture, features: 55 })).toMatchObject({
      code: 'generation',
      message: expect.stringMatching(/55 image tokens.*56 rows/),
    });
    expect(await failure({ ...picture, imageSize: [40, 40] })).toMatchObject({
      code: 'shape',
      message: expect.stringMatching(/40 × 40 pixels comes in 3 tiles.*wants 5/),
    });
    const { imageSize: _, ...sizeless } = picture;
    expect(await failure(sizeless)).toMatchObject({ code: 'shape', message: expect.stringContaining('unknown') });
    const prompt = await promptOf(fixture, speaker, 0);
    await expect(answer(speaker, [{ ...prompt, tokens: prompt.tokens.slice(0, -5) }])).rejects.toThrow(
      /54 image tokens.*56 rows/,
    );
    close(speaker);
  });
});
