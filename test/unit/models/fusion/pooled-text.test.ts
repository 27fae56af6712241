import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GraphError, hostTensor, Random } from '../../../../src/core/index.ts';
import { input } from '../../../../src/graph/index.ts';
import { createVisionEncoder, type VisionConfig } from '../../../../src/models/common/vision.ts';
import { fusionConfigToJson, parseFusionConfig } from '../../../../src/models/fusion/config.ts';
import { type FusionConfig, SimpleMultimodalModel } from '../../../../src/models/fusion/model.ts';
import { createRuntime } from '../../../../src/runtime/node/index.ts';
import type { Runtime } from '../../../../src/runtime/types.ts';
import { evaluate, floats, integers } from '../../evaluate.ts';

const VISION: VisionConfig = {
  kind: 'conv-transformer',
  imageSize: 9,
  channels: [8, 16],
  blocks: [1, 1],
  stem: 2,
  width: 24,
  layers: 1,
  heads: 2,
};
const CONFIG: FusionConfig = {
  vision: VISION,
  text: { vocabularySize: 12, maxLength: 6, width: 16, layers: 1, heads: 2 },
  hiddenSize: 16,
  heads: 2,
  classes: 3,
  query: 'text',
  layers: 2,
  pooledText: true,
  alignmentSize: 0,
};

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});
afterAll(() => runtime.dispose());

describe('texts that ask as a whole', () => {
  /** Logits of texts about one picture. */
  const ask = async (texts: readonly (readonly number[])[]): Promise<number[][]> => {
    const model = new SimpleMultimodalModel(CONFIG);
    const weights = model.initialize(new Random(4));
    const random = new Random(5);
    const [rows, length] = [texts.length, 6];
    const logits = model.forward(
      input('pixels', 'float32', [1, 3, 9, 9]),
      input('ids', 'int64', [rows, length]),
      input('mask', 'float32', [rows, length]),
    );
    const padded = texts.map((text) => Array.from({ length }, (_, i) => text[i] ?? 0));
    const given = {
      ...weights,
      pixels: floats(
        [1, 3, 9, 9],
        Array.from({ length: 243 }, () => random.normal()),
      ),
      ids: integers([rows, length], padded.flat()),
      mask: floats(
        [rows, length],
        texts.flatMap((text) => padded[0]!.map((_, i) => (i < text.length ? 1 : 0))),
      ),
    };
    const { data } = (await evaluate(runtime, { logits }, given))['logits']!;
    return texts.map((_, row) => [...(data as Float32Array).subarray(row * 3, row * 3 + 3)]);
  };

  it('are answered beside others as they are alone', async () => {
    const texts = [
      [1, 2, 3],
      [4, 5],
      [6, 7, 8, 9, 10, 11],
    ];
    const together = await ask(texts);
    expect(new Set(together.map(([first]) => first!.toFixed(4))).size).toBe(3);
    for (const [i, text] of texts.entries()) {
      const [alone] = await ask([text]);
      for (const [c, logit] of together[i]!.entries()) expect(logit).toBeCloseTo(alone![c]!, 5);
    }
  });

  it('are written into config.json and read back; absent there, tokens ask', () => {
    const written = (config: FusionConfig): unknown => JSON.parse(JSON.stringify(fusionConfigToJson(config)));
    expect(parseFusionConfig(written(CONFIG))).toEqual(CONFIG);
    const { pooledText: _, ...before } = CONFIG;
    expect(parseFusionConfig(written(before))).not.toHaveProperty('pooledText');
  });

  it.each([{ query: 'vision' }, { maskedHead: true }] as const)('do not go with %o', (part) => {
    expect(() => new SimpleMultimodalModel({ ...CONFIG, ...part })).toThrow(GraphError);
  });
});

describe('convolutions before attention', () => {
  it('pads a picture whose side the stages do not divide', () => {
    const encoder = createVisionEncoder(VISION);
    expect([encoder.grid, encoder.width, encoder.prefix]).toEqual([[3, 3], 24, 0]);
    encoder.parameters();
    expect(encoder.encode(input('pixels', 'float32', [2, 3, 9, 9])).shape).toEqual([2, 9, 24]);
  });

  it('begins with positions whose products fall with distance, in any direction', () => {
    const side = 10;
    const encoder = createVisionEncoder({ ...VISION, imageSize: 4 * side, width: 96, heads: 4 });
    const table = encoder.initialize(new Random(1))['position_embedding'] ?? hostTensor('float32', [0]);
    expect(table.shape).toEqual([side * side, 96]);
    const product = (x: number, y: number): number => {
      const [from, to] = [4 * side + 4, (4 + y) * side + 4 + x];
      let sum = 0;
      for (let i = 0; i < 96; i++) sum += Number(table.data[from * 96 + i]) * Number(table.data[to * 96 + i]);
      return sum;
    };
    const near = [0, 1, 2, 3, 4].map((x) => product(x, 0));
    for (let i = 1; i < near.length; i++) expect(near[i]).toBeLessThan(near[i - 1]! - 1);
    // (3, 4) is as far away as (5, 0); waves of 4 cells in six directions differ a little.
    expect(Math.abs(product(3, 4) - product(5, 0))).toBeLessThan(3);
    expect(product(0, 3)).toBeCloseTo(product(3, 0), 3);
  });
});
