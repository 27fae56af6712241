import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../../src/core/index.ts';
import { readSafetensors } from '../../../../src/hub/node/safetensors-file.ts';
import { parseFusionConfig } from '../../../../src/models/fusion/config.ts';
import { SimpleMultimodalModel } from '../../../../src/models/fusion/model.ts';
import { parseRecipe, trainingRecipe, type TrainingRecipe } from '../../../../src/recipe/index.ts';
import { initialWeights } from '../../../../src/recipe/node/initial-weights.ts';
import { runRecipe } from '../../../../src/recipe/node/index.ts';
import { FusionTraining } from '../../../../src/train/objectives/fusion.ts';
import { writeTinyVqa } from '../../../../bench/workloads/tiny-vqa.ts';
import { temporaryFolder } from '../../hub/node/temporary.ts';

const folder = temporaryFolder();
const SILENT = { write: (): boolean => true, isTTY: false, columns: 80 };

function recipe(name: string, data: string, ...set: string[]): TrainingRecipe {
  const text = `model:
  type: fusion
  vision: { kind: convnet, imageSize: 64, channels: [8], blocks: [1], stem: 8 }
  text: { vocabularySize: 90, maxLength: 14, width: 16, layers: 1, heads: 2 }
  fusion: { hidden: 16, heads: 2, layers: 2, alignment: 8 }
data: ${data}
optimizer: { kind: adamw, lr: 0.003 }
train: { steps: 6, batch: 8, ema: 0.9, seed: 3, threads: 1 }
output: ${join(folder, name)}
`;
  return parseRecipe(trainingRecipe, text, 'r.yaml', set);
}
const pretraining = (...set: string[]): TrainingRecipe =>
  recipe('before', '{ kind: shape-descriptions, count: 64, workers: 0 }', ...set);

describe('pretraining and tuning by recipe', () => {
  const model = join(folder, 'before', 'model');
  beforeAll(async () => {
    await writeTinyVqa(join(folder, 'vqa'));
    await runRecipe(pretraining('objectives.momentum=0.4'), { stream: SILENT });
  });

  it('writes a model without a classifier, and the figures of unseen pictures', async () => {
    const config = parseFusionConfig(JSON.parse(await readFile(join(model, 'config.json'), 'utf8')));
    expect(config).toMatchObject({ classes: 0, maskedHead: true, matchingHead: true });
    const result = JSON.parse(await readFile(join(folder, 'before', 'result.json'), 'utf8')) as Record<string, unknown>;
    expect(result['kind']).toBe('pretraining');
    expect(Object.keys(result['validation'] as object).sort()).toEqual(
      ['alignment', 'itm', 'itm-accuracy', 'loss', 'mlm', 'mlm-accuracy'].sort(),
    );
    expect(Object.values(result['validation'] as object).every(Number.isFinite)).toBe(true);
  });

  it('tuning begins with what the model has, and draws the rest from the seed', async () => {
    const config = parseFusionConfig(JSON.parse(await readFile(join(model, 'config.json'), 'utf8')));
    const { maskedHead: _, matchingHead: __, ...plain } = config;
    const training = new FusionTraining(new SimpleMultimodalModel({ ...plain, classes: 13 }), {
      classification: 1,
      contrastive: 0,
      form: 'clip',
    });
    const first = await initialWeights(training.model, model, 3);
    const drawn = training.model.initialize(new Random(3));
    const saved = await readSafetensors(join(model, 'model.safetensors'));
    expect(Object.keys(first)).toEqual(Object.keys(drawn));
    for (const [path, { data }] of Object.entries(first)) {
      const known = saved.get(path.slice('network.'.length));
      expect(known === undefined, path).toBe(path.startsWith('network.classifier.'));
      expect(data, path).toEqual((known ?? drawn[path]!).data);
    }
    const other = new FusionTraining(new SimpleMultimodalModel({ ...plain, classes: 13, hiddenSize: 24 }), {
      classification: 1,
      contrastive: 0,
      form: 'clip',
    });
    await expect(initialWeights(other.model, model, 3)).rejects.toThrow(/the recipe's \[/);
  });

  it('tunes on a part of the labels with the tokenizer of the model', async () => {
    const data = `{ kind: easy-vqa, path: ${join(folder, 'vqa')}, fraction: 0.5, workers: 0 }`;
    const outcome = await runRecipe(recipe('after', data, `model.from=${model}`), { stream: SILENT });
    expect(outcome.finished?.evaluation.kind).toBe('easy-vqa');
    const tokenizer = (of: string): Promise<string> => readFile(join(folder, of, 'model', 'tokenizer.json'), 'utf8');
    expect(await tokenizer('after')).toBe(await tokenizer('before'));
  });
});

describe('recipes of pretraining', () => {
  it('weigh the three objectives 0.4, 0.4 and 0.2 unless told otherwise', () => {
    expect(pretraining().objectives).toMatchObject({ classification: 0, mlm: 0.4, alignment: 0.4, itm: 0.2 });
    expect(pretraining('objectives.mlm=1').objectives).toMatchObject({ mlm: 1, alignment: 0.4 });
    expect(recipe('x', '{ kind: easy-vqa }').objectives).toMatchObject({ classification: 1 });
    expect(recipe('x', '{ kind: easy-vqa }').objectives.mlm).toBeUndefined();
  });

  it.each([
    ['objectives.classification=1', /classification and prototypes must be 0/],
    ['objectives.contrastive=1', /is the same as contrastive/],
    ['model.fusion.alignment=0', /model\.fusion\.alignment: must be more than 0/],
    ['model.fusion.direction=vision-to-text', /must be text-to-vision/],
    ['train.ema=0', /train\.ema: must be more than 0 for objectives\.momentum/],
    ['data.fraction=0.1', /unknown key/],
  ])('refuse %s', (set, message) => {
    expect(() => pretraining('objectives.momentum=0.4', set)).toThrow(message);
  });

  it('hide no words where there are answers', () => {
    expect(() => recipe('x', '{ kind: emoji-statements }', 'model.vision.imageSize=64', 'objectives.mlm=1')).toThrow(
      /hides no words/,
    );
    expect(() => recipe('x', '{ kind: easy-vqa }', 'objectives.itm=1')).toThrow(/no descriptions/);
  });
});
