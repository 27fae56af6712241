import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crossEntropy, softmax, trace } from '../../src/graph/index.ts';
import { TransformerBlock } from '../../src/models/common/transformer.ts';
import { SimpleMultimodalModel } from '../../src/models/fusion/model.ts';
import { GroupNorm, type Module, MultiheadAttention, paddingMask } from '../../src/nn/index.ts';
import { createRuntime } from '../../src/runtime/node/index.ts';
import type { Runtime } from '../../src/runtime/types.ts';
import { type Build, checkCase } from './check-gradients.ts';
import { type FixtureCase, loadFixtures } from './fixtures.ts';
import { BertLayer, Cnn, LlamaLayer, TiedLlama } from './layers.ts';

interface Built {
  readonly module: Module;
  readonly build: Build;
  readonly key?: (path: string) => string;
}

/** The tensor that a module named, whatever the module's path. */
function tapped(taps: ReadonlyMap<string, unknown>, name: string): string {
  return [...taps.keys()].find((key) => key === name || key.endsWith(`.${name}`))!;
}

const LAYERS: Readonly<Record<string, (fixture: FixtureCase) => Built>> = {
  MultiheadAttention: ({ attrs }) => {
    const module = new MultiheadAttention(attrs.width, attrs.heads);
    return {
      module,
      build: ({ x, query = x, context = x, keep }) => {
        const { result, taps } = trace(() => module.forward(query!, context!, keep && paddingMask(keep)));
        return { y: result, weights: taps.get(tapped(taps, 'weights'))! };
      },
    };
  },
  TransformerBlock: ({ attrs }) => {
    const module = new TransformerBlock({ ...attrs, layers: 1 });
    return { module, build: ({ x, keep }) => module.forward(x!, keep && paddingMask(keep)) };
  },
  BertLayer: ({ attrs }) => {
    const module = new BertLayer(attrs);
    return { module, build: ({ x, keep }) => module.forward(x!, keep!) };
  },
  LlamaDecoderLayer: ({ attrs }) => {
    const module = new LlamaLayer(attrs);
    return { module, build: ({ x }) => module.forward(x!) };
  },
  Cnn: () => {
    const module = new Cnn();
    return { module, build: ({ pixels, labels }) => ({ loss: module.forward(pixels!, labels!) }) };
  },
  GroupNorm: ({ attrs }) => {
    const module = new GroupNorm(attrs.groups, 4, attrs.epsilon);
    return { module, build: ({ x }) => module.forward(x!) };
  },
  SimpleMultimodalModel: ({ attrs }) => {
    const module = new SimpleMultimodalModel({ ...attrs, layers: 1, alignmentSize: 0 });
    return {
      module,
      key: (path) => path.replace('fusion.0.attention.', 'cross_attention.'),
      build: ({ pixels, ids, keep, labels }) => {
        const { result, taps } = trace(() => module.forward(pixels!, ids!, keep!));
        const weights = taps.get('fusion.0.attention.weights')!;
        return { logits: result, probabilities: softmax(result), weights, loss: crossEntropy(result, labels!) };
      },
    };
  },
  LlamaForCausalLM: ({ attrs }) => {
    const module = new TiedLlama(attrs);
    return { module, build: ({ ids, labels }) => ({ loss: module.forward(ids!, labels!) }) };
  },
};

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1, backend: 'c-api' });
});
afterAll(async () => {
  await runtime.dispose();
});

describe.each(['layers', 'models'])(
  '%s against PyTorch in float64: values and the gradient of every parameter',
  async (group) => {
    it.each(await loadFixtures(group))('$name', async (fixture) => {
      const make = LAYERS[fixture.op];
      expect(make, `nothing in layers.test.ts makes '${fixture.op}'`).toBeDefined();
      const { build, ...options } = make!(fixture);
      options.module.parameters();
      await checkCase(runtime, fixture, build, options);
    });
  },
);
