import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fusionConfigOf, optimizerOf, trainerOptionsOf } from '../../../src/recipe/build.ts';
import { parseRecipe, trainingRecipe, type TrainingRecipe, tuningRecipe } from '../../../src/recipe/index.ts';

const folder = new URL('../../../recipes/', import.meta.url);
const text = (name: string): string => readFileSync(new URL(name, folder), 'utf8');
const parse = (name: string, ...set: string[]): TrainingRecipe => parseRecipe(trainingRecipe, text(name), name, set);

const recipes = ['', 'starter/', 'applications/'].flatMap((under) =>
  readdirSync(new URL(under, folder))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => `${under}${name}`),
);
const teachesConversations = (name: string): boolean => /^ +type: image-text$/m.test(text(name));

describe('the recipes that come along', () => {
  it.each(recipes.filter((name) => teachesConversations(name)))('%s is sound', (name) => {
    expect(parseRecipe(tuningRecipe, text(name), name).output).toBe(`runs/${name.replace('.yaml', '')}`);
  });

  it.each(recipes.filter((name) => !teachesConversations(name)))('%s is sound', (name) => {
    const recipe = parse(name);
    expect(fusionConfigOf(recipe.model, 100, 7)).toMatchObject({ classes: 7, text: { vocabularySize: 100 } });
    expect(trainerOptionsOf(recipe).schedule.learningRate).toBe(recipe.optimizer.lr);
  });
});

describe('recipes whose parts do not fit together', () => {
  const quick = 'emoji-statements-quick.yaml';
  it.each([
    ['model.fusion.alignment=0', /model\.fusion\.alignment: must be more than 0/],
    ['model.text.heads=3', /model\.text\.heads: must divide width, 128/],
    ['model.vision.imageSize=128', /model\.vision\.imageSize: must be from 32 to 64/],
    ['data.test=[noto]', /data\.test: noto would be trained on and tested on/],
    ['train.steps=10', /exactly one of steps, epochs and minutes/],
    ['train.bach=10', /did you mean `batch`/],
  ])('%s', (set, message) => {
    expect(() => parse(quick, set)).toThrow(message);
  });

  it.each([
    [['model.lora.rank=4', 'model.standardize=true'], /model\.standardize: changes the model's own weights/],
    [['model.lora.rank=4', 'optimizer.kind=muon'], /optimizer\.kind: muon is for the model's own matrices/],
    [['data.sources=[{ kind: files, path: mine }]'], /data\.splitTokens: needs scenes among the sources/],
    [['model.parts.vision=0', 'model.parts.connector=0', 'model.parts.language=0'], /one of them must be more than 0/],
  ])('tuning: %j', (sets, message) => {
    const name = 'starter/5-instructions.yaml';
    expect(() => parseRecipe(tuningRecipe, text(name), name, sets)).toThrow(message);
  });

  it.each([
    [['optimizer.momentum=1'], /optimizer\.momentum: expected less than 1/],
    [['optimizer.epsilon=1e-6'], /optimizer\.epsilon/],
  ])('muon: %j', (sets, message) => {
    expect(() => parse('easy-vqa.yaml', 'optimizer.kind=muon', ...sets)).toThrow(message);
  });

  it('nothing is near to the one object of a picture', () => {
    const alone = (kinds: string): string => `data.curriculum=[{ kinds: [shape] }, { objects: 1, kinds: [${kinds}] }]`;
    expect(() => parse('sort-of-clevr.yaml', alone('nearest, furthest'))).toThrow(
      /data\.curriculum\.1\.kinds: must ask/,
    );
    expect(() => parse('sort-of-clevr.yaml', alone('nearest, shape'))).not.toThrow();
  });

  it('a loss that rises with new questions of a curriculum is borne for longer', () => {
    const patience = (...set: string[]): number | undefined =>
      trainerOptionsOf(parse('sort-of-clevr.yaml', ...set)).explosion?.patience;
    expect([patience(), patience('data.curriculum=[]')]).toEqual([25, undefined]);
  });

  it('easy-VQA has nothing for a contrastive loss', () => {
    expect(() => parse('easy-vqa.yaml', 'objectives.contrastive=1', 'model.fusion.alignment=8')).toThrow(
      /have no descriptions/,
    );
  });
});

describe('muon', () => {
  it('takes what adamw takes, and a momentum for matrices', () => {
    const { optimizer } = parse('easy-vqa.yaml', 'optimizer.kind=muon');
    expect(optimizer).toMatchObject({ kind: 'muon', betas: [0.9, 0.98], momentum: 0.95, weightDecay: 0.05, clip: 1 });
    const { kind, slots, matrices } = optimizerOf(optimizer);
    expect([kind, slots, matrices?.slots]).toEqual(['muon', ['m', 'v'], ['momentum']]);
  });
});

describe('what a checkpoint is compared by', () => {
  it('changes with what changes the course, and only with that', () => {
    const of = (...set: string[]): string | undefined => trainerOptionsOf(parse('easy-vqa.yaml', ...set)).identity;
    const same = [
      'train.keep=9',
      'train.checkpointEvery=1',
      'output=elsewhere',
      'data.path=moved.tar',
      'data.workers=2',
    ];
    for (const set of same) expect(of(set)).toBe(of());
    const other = ['train.batch=31', 'optimizer.lr=0.123', 'model.text.layers=7', 'data.heldOut=5', 'train.epochs=9'];
    for (const set of other) expect(of(set)).not.toBe(of());
  });
});
