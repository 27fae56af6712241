import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gradients } from '../../../../src/autodiff/index.ts';
import { GraphError, type HostTensor, Random } from '../../../../src/core/index.ts';
import { input, mul, reduceSum, type Tensor } from '../../../../src/graph/index.ts';
import { TextTransformer } from '../../../../src/models/common/text.ts';
import { Conditioning } from '../../../../src/models/fusion/conditioned.ts';
import { fusionConfigToJson, parseFusionConfig } from '../../../../src/models/fusion/config.ts';
import { type FusionConfig, SimpleMultimodalModel } from '../../../../src/models/fusion/model.ts';
import { createRuntime } from '../../../../src/runtime/node/index.ts';
import type { Runtime } from '../../../../src/runtime/types.ts';
import { compiled, evaluate, floats, integers, run } from '../../evaluate.ts';

const TEXT = { vocabularySize: 12, maxLength: 6, width: 16, layers: 1, heads: 2 };
const CONFIG: FusionConfig = {
  vision: { kind: 'convnet', imageSize: 8, channels: [8, 16], blocks: [1, 1], stem: 2 },
  text: { ...TEXT, embeddingDeviation: 1 },
  hiddenSize: 16,
  heads: 2,
  classes: 3,
  query: 'text',
  layers: 1,
  pooledText: true,
  conditioned: 2,
  alignmentSize: 0,
};

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});
afterAll(() => runtime.dispose());

function normal(shape: readonly number[], random: Random): HostTensor<'float32'> {
  return floats(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
  );
}

describe('picture tokens that a text scales and shifts', () => {
  it('have gradients as finite differences give them, for tokens, text and weights', async () => {
    const conditioning = new Conditioning(8, 2, 2);
    const random = new Random(3);
    const tokens = input('tokens', 'float32', [2, 5, 8]);
    const text = input('text', 'float32', [2, 1, 8]);
    const readout = input('readout', 'float32', [2, 5, 8]);
    const weights = conditioning.initialize(random);
    const loss = reduceSum(mul(conditioning.forward(tokens, text), readout));
    const sources: Record<string, Tensor> = { tokens, text };
    for (const [name, parameter] of conditioning.parameters())
      if (!name.startsWith('norm.')) sources[name] = parameter.tensor;
    const found = gradients(loss, Object.values(sources));
    const given = {
      ...weights,
      tokens: normal([2, 5, 8], random),
      text: normal([2, 1, 8], random),
      readout: normal([2, 5, 8], random),
    };
    const outputs = Object.fromEntries(Object.keys(sources).map((name, i) => [`d:${name}`, found[i]!]));
    const derivatives = await evaluate(runtime, outputs, given);
    const program = await compiled(runtime, { loss });
    for (const name of Object.keys(sources)) {
      const { shape, data } = given[name as keyof typeof given] as HostTensor<'float32'>;
      const direction = normal(shape, random);
      const length = Math.hypot(...direction.data);
      const at = async (distance: number): Promise<number> => {
        const moved = floats(
          shape,
          data.map((value, i) => value + (distance * direction.data[i]!) / length),
        );
        return Number((await run(runtime, program, { ...given, [name]: moved }))['loss']!.data[0]);
      };
      const measured = ((await at(0.02)) - (await at(-0.02))) / 0.04;
      const slope = derivatives[`d:${name}`]!.data as Float32Array;
      const expected = slope.reduce((sum, value, i) => sum + (value * direction.data[i]!) / length, 0);
      expect(Math.abs(measured - expected), name).toBeLessThan(0.02 * Math.max(1, Math.abs(expected)));
    }
    program.dispose();
  });

  it('are those of each text: it is answered beside others as it is alone', async () => {
    const model = new SimpleMultimodalModel(CONFIG);
    const weights = model.initialize(new Random(4));
    const pixels = normal([1, 3, 8, 8], new Random(5));
    const ask = async (texts: readonly (readonly number[])[]): Promise<number[]> => {
      const shape = [texts.length, 3];
      const logits = model.forward(
        input('pixels', 'float32', [1, 3, 8, 8]),
        input('ids', 'int64', shape),
        input('mask', 'float32', shape),
      );
      const given = {
        ...weights,
        pixels,
        ids: integers(shape, texts.flat()),
        mask: floats(shape, texts.flat().fill(1)),
      };
      return [...((await evaluate(runtime, { logits }, given))['logits']!.data as Float32Array)];
    };
    const texts = [
      [1, 2, 3],
      [1, 4, 3],
    ];
    const together = await ask(texts);
    expect(together[0]).not.toBeCloseTo(together[3]!, 4);
    for (const [i, text] of texts.entries())
      for (const [c, logit] of (await ask([text])).entries()) expect(together[3 * i + c]).toBeCloseTo(logit, 5);
  });

  it('are written into config.json and read back', () => {
    const written = (config: FusionConfig): unknown => JSON.parse(JSON.stringify(fusionConfigToJson(config)));
    expect(parseFusionConfig(written(CONFIG))).toEqual(CONFIG);
    const { conditioned: _, ...before } = CONFIG;
    expect(parseFusionConfig(written(before))).not.toHaveProperty('conditioned');
  });

  it('need a text that asks as a whole', () => {
    expect(() => new SimpleMultimodalModel({ ...CONFIG, pooledText: false })).toThrow(GraphError);
  });
});

describe('the first word vectors', () => {
  it.each([
    [undefined, 0.02],
    [1, 1],
  ])('with a deviation of %s have one of %s', (embeddingDeviation, expected) => {
    const config = {
      ...TEXT,
      vocabularySize: 500,
      ...(embeddingDeviation === undefined ? {} : { embeddingDeviation }),
    };
    const { data } = new TextTransformer(config).initialize(new Random(1))['token_embedding.weight']!;
    const squares = (data as Float32Array).reduce((sum, value) => sum + value * value, 0);
    expect(Math.sqrt(squares / data.length) / expected).toBeCloseTo(1, 1);
  });
});
