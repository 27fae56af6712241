import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GraphError, type HostTensor, hostTensor, Random } from '../../../../src/core/index.ts';
import { input } from '../../../../src/graph/index.ts';
import { matchTensors, parametersUnder } from '../../../../src/hub/index.ts';
import { parseBertConfig } from '../../../../src/models/bert/config.ts';
import { Bert, bertEncoderNames, BertForMaskedLM } from '../../../../src/models/bert/model.ts';
import { fusionConfigToJson, parseFusionConfig } from '../../../../src/models/fusion/config.ts';
import { type FusionConfig, SimpleMultimodalModel } from '../../../../src/models/fusion/model.ts';
import { fusionWeights } from '../../../../src/models/fusion/node/save.ts';
import { parseViTConfig } from '../../../../src/models/vit/config.ts';
import { ViT, vitEncoderNames, ViTForImageClassification } from '../../../../src/models/vit/model.ts';
import { createRuntime } from '../../../../src/runtime/node/index.ts';
import type { Runtime } from '../../../../src/runtime/types.ts';
import { FusionTraining } from '../../../../src/train/objectives/fusion.ts';
import { adamW } from '../../../../src/train/optimizers.ts';
import { TrainingStep } from '../../../../src/train/step.ts';
import { SIGNATURE, smallBatch } from '../../../small-fusion.ts';
import { evaluate } from '../../evaluate.ts';
import { asFile } from '../as-file.ts';

const SIZES = { num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 24 };
const VIT = { model_type: 'vit', hidden_size: 20, image_size: 8, patch_size: 4, ...SIZES };
const BERT = { model_type: 'bert', hidden_size: 12, vocab_size: 12, max_position_embeddings: 6, ...SIZES };
const CONFIG: FusionConfig = {
  vision: { kind: 'pretrained', imageSize: 8, config: VIT },
  text: { kind: 'pretrained', vocabularySize: 12, maxLength: 6, config: BERT },
  hiddenSize: 16,
  heads: 2,
  classes: 3,
  query: 'text',
  layers: 2,
  alignmentSize: 8,
};

/** What stands in for the table of architectures: builds the encoders that a config describes. */
function build(config: FusionConfig): SimpleMultimodalModel {
  if (config.vision.kind !== 'pretrained' || !('kind' in config.text)) throw new Error('the config has other encoders');
  return new SimpleMultimodalModel(config, {
    vision: new ViT(parseViTConfig(config.vision.config)),
    text: new Bert(parseBertConfig(config.text.config)),
  });
}

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});
afterAll(async () => {
  await runtime.dispose();
});

describe('a fusion model of a ViT and a BERT', () => {
  it('meets both in its own width and tells classes apart', async () => {
    const model = build(CONFIG);
    const weights = model.initialize(new Random(3));
    const batch = smallBatch(new Random(4));
    const traced = Object.fromEntries(
      ['pixels', 'ids', 'mask'].map((name) => [name, input(name, SIGNATURE[name]!.dtype, SIGNATURE[name]!.shape)]),
    );
    const logits = model.forward(traced['pixels']!, traced['ids']!, traced['mask']!);
    const { y } = await evaluate(runtime, { y: logits }, { ...weights, ...batch });
    expect(y!.shape).toEqual([4, 3]);
    expect([...(y!.data as Float32Array)].every(Number.isFinite)).toBe(true);
    expect([model.vision_encoder.grid, model.vision_encoder.prefix]).toEqual([[2, 2], 1]);
  });

  it('keeps the names of checkpoints, so that their weights find their places', () => {
    const parameters = build(CONFIG).parameters();
    const vision = matchTensors(
      parametersUnder(parameters, 'vision_encoder.'),
      asFile(new ViTForImageClassification(parseViTConfig(VIT))),
      vitEncoderNames,
      'vit',
    );
    const text = matchTensors(
      parametersUnder(parameters, 'text_encoder.'),
      asFile(new BertForMaskedLM(parseBertConfig(BERT), { pooler: true })),
      bertEncoderNames,
      'bert',
    );
    const rest = [...parameters.keys()].filter((path) => !/^(vision|text)_encoder\./.test(path));
    expect(vision.names.size + text.names.size + rest.length).toBe(parameters.size);
    expect(vision.names.get('layernorm.weight')).toBe('vit.layernorm.weight');
    expect(text.names.get('embeddings.word_embeddings.weight')).toBe('bert.embeddings.word_embeddings.weight');
  });

  it('learns: steps lower the loss and move every weight', async () => {
    const trainable = new FusionTraining(build(CONFIG), { classification: 1, contrastive: 0.5, form: 'siglip' });
    const before = trainable.model.initialize(new Random(6));
    const step = await TrainingStep.create(runtime, trainable, SIGNATURE, before, {
      optimizer: adamW(),
      weightDecay: 0.01,
      clip: 1,
    });
    const batch = smallBatch(new Random(8));
    const losses: number[] = [];
    for (let i = 0; i < 8; i++) losses.push((await step.run([batch], { step: i, seed: 3, learningRate: 3e-3 })).loss);
    const after: Record<string, HostTensor> = await step.readWeights();
    step.dispose();
    expect(losses.at(-1)!).toBeLessThan(0.8 * losses[0]!);
    // A bias of keys adds the same to all scores of a query and has no gradient but rounding.
    const still = Object.keys(before).filter((name) => {
      if (name.endsWith('.key.bias')) return false;
      const [a, b] = [before[name]!.data as Float32Array, after[name]!.data as Float32Array];
      return a.every((x, i) => x === b[i]);
    });
    expect(still).toEqual([]);
  });

  it('has a config that survives JSON', () => {
    const json: unknown = JSON.parse(JSON.stringify(fusionConfigToJson(CONFIG)));
    expect(parseFusionConfig(json)).toMatchObject({ ...CONFIG });
    expect([...build(parseFusionConfig(json)).parameters().keys()]).toEqual([...build(CONFIG).parameters().keys()]);
  });

  it('needs the encoders that its config names', () => {
    expect(() => new SimpleMultimodalModel(CONFIG)).toThrow(GraphError);
    expect(() => new SimpleMultimodalModel(CONFIG)).toThrow(/'vit'/);
    const vision = new ViT(parseViTConfig(VIT));
    expect(() => new SimpleMultimodalModel(CONFIG, { vision })).toThrow(/'bert'/);
  });

  it('gives its weights for saving', () => {
    const all = build(CONFIG).initialize(new Random(1));
    const encoders = { vision: new ViT(parseViTConfig(VIT)), text: new Bert(parseBertConfig(BERT)) };
    const extra = { 'temperature.bias': hostTensor('float32', []) };
    expect(Object.keys(fusionWeights(CONFIG, { ...all, ...extra }, encoders))).toEqual(Object.keys(all));
  });
});
