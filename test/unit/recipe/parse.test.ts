import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Random, RecipeError } from '../../../src/core/index.ts';
import { editDistance, nearest } from '../../../src/recipe/nearest.ts';
import { parseRecipe } from '../../../src/recipe/parse.ts';
import { readRecipe } from '../../../src/recipe/node/read-recipe.ts';
import { trainingRecipe } from '../../../src/recipe/schema.ts';
import { temporaryFolder } from '../hub/node/temporary.ts';

const RECIPE = `# a small run
model:
  type: fusion
  vision: { kind: convnet, imageSize: 64, channels: [32, 64], blocks: [1, 1], stem: 4 }
  text:
    vocabularySize: 2000
    maxLength: 24
    width: 128
    layers: 2
    heads: 4
  fusion:
    hidden: 128
    heads: 4
data:
  kind: emoji-statements
optimizer:
  kind: adamw
  lr: 1e-3
  weightDecay: 0.05
train:
  minutes: 5
  batch: 64
output: runs/emoji
`;

function errorOf(text: string, overrides: string[] = [], schema: z.ZodType = trainingRecipe): RecipeError {
  try {
    parseRecipe(schema, text, 'r.yaml', overrides);
  } catch (error) {
    if (error instanceof RecipeError) return error;
    throw error;
  }
  throw new Error('the recipe was accepted');
}

describe('right recipes', () => {
  it('fills in defaults', () => {
    const recipe = parseRecipe(trainingRecipe, RECIPE, 'r.yaml');
    expect(recipe.optimizer).toEqual({
      kind: 'adamw',
      lr: 0.001,
      weightDecay: 0.05,
      betas: [0.9, 0.999],
      epsilon: 1e-8,
      clip: 1,
    });
    expect(recipe.schedule).toEqual({ kind: 'cosine', warmup: 0, floor: 0 });
    expect(recipe.objectives).toEqual({ classification: 1, contrastive: 0, form: 'clip', prototypes: 0, truths: 0 });
    expect(recipe.data).toMatchObject({ kind: 'emoji-statements', test: ['openmoji'] });
  });

  it('takes overrides as YAML', () => {
    const overrides = [
      'optimizer.lr=2e-4',
      'optimizer.betas=[0.8, 0.9]',
      'schedule.warmup=100',
      'output=runs/a=b',
      'model.text.heads=8',
    ];
    const recipe = parseRecipe(trainingRecipe, RECIPE, 'r.yaml', overrides);
    expect(recipe.optimizer).toMatchObject({ lr: 2e-4, betas: [0.8, 0.9] });
    expect(recipe.schedule.warmup).toBe(100);
    expect(recipe.output).toBe('runs/a=b');
    expect(recipe.model.text.heads).toBe(8);
  });

  it('reads a recipe with anchors', () => {
    const text = 'a: &x { n: 1 }\nb: *x\n';
    const item = z.strictObject({ n: z.number() });
    expect(parseRecipe(z.strictObject({ a: item, b: item }), text, 'r.yaml')).toEqual({ a: { n: 1 }, b: { n: 1 } });
  });
});

describe('wrong recipes', () => {
  const cases: [what: string, from: string, to: string, message: string][] = [
    [
      'a mistyped key',
      'weightDecay',
      'wieghtDecay',
      'r.yaml:19: optimizer.wieghtDecay: unknown key; did you mean `weightDecay`?',
    ],
    [
      'a key in another spelling',
      'weightDecay',
      'weight_decay',
      'r.yaml:19: optimizer.weight_decay: unknown key; did you mean `weightDecay`?',
    ],
    [
      'an unknown key',
      '  lr: 1e-3',
      '  lr: 1e-3\n  bananas: 2',
      'r.yaml:19: optimizer.bananas: unknown key; known here: kind, lr,',
    ],
    [
      'a key of another variant',
      '  lr: 1e-3',
      '  lr: 1e-3\n  momentum: 0',
      'r.yaml:19: optimizer.momentum: unknown key; known here',
    ],
    ['a mistyped section', 'optimizer:', 'optimiser:', 'r.yaml:16: optimiser: unknown key; did you mean `optimizer`?'],
    [
      'a mistyped key inside braces',
      'imageSize',
      'imagesize',
      'r.yaml:4: model.vision.imagesize: unknown key; did you mean `imageSize`?',
    ],
    ['a missing key', '  lr: 1e-3\n', '', 'r.yaml:16: optimizer.lr: missing; expected a number'],
    ['a text for a number', 'lr: 1e-3', 'lr: fast', 'r.yaml:18: optimizer.lr: expected a number, got "fast"'],
    ['a number for a text', 'output: runs/emoji', 'output: 7', 'r.yaml:23: output: expected a text, got 7'],
    ['a list for a number', 'batch: 64', 'batch: [64]', 'r.yaml:22: train.batch: expected a number or auto, got [64]'],
    [
      'a fraction for a count',
      'batch: 64',
      'batch: 6.5',
      'r.yaml:22: train.batch: expected a whole number or auto, got 6.5',
    ],
    ['nothing for a number', 'batch: 64', 'batch:', 'r.yaml:22: train.batch: expected a number or auto, got null'],
    ['too small', 'batch: 64', 'batch: 0', 'r.yaml:22: train.batch: expected at least 1, got 0'],
    [
      'a wrong item',
      'channels: [32, 64]',
      'channels: [32, x]',
      'r.yaml:4: model.vision.channels.1: expected a number, got "x"',
    ],
    [
      'too few items',
      'channels: [32, 64]',
      'channels: []',
      'r.yaml:4: model.vision.channels: expected at least 1 items',
    ],
    [
      'a mistyped kind',
      'kind: adamw',
      'kind: adamv',
      'r.yaml:17: optimizer.kind: expected one of adamw, sgd, lion, muon, got "adamv"; did you mean `adamw`?',
    ],
    ['a missing kind', '  kind: adamw\n', '', 'optimizer.kind: missing; expected one of adamw, sgd, lion, muon'],
    ['not a number at all', 'lr: 1e-3', 'lr: .nan', 'r.yaml:18: optimizer.lr: expected a number'],
    [
      'a section that is a value',
      'data:\n  kind: emoji-statements',
      'data: emoji-statements',
      'r.yaml:14: data: expected keys with values, got "emoji-statements"',
    ],
    [
      'two lengths',
      '  minutes: 5',
      '  minutes: 5\n  steps: 9',
      'r.yaml:20: train: exactly one of steps, epochs and minutes',
    ],
    [
      'a text that conditions word by word',
      '    heads: 4\ndata:',
      '    heads: 4\n    conditioned: 2\ndata:',
      'r.yaml:14: model.fusion.conditioned: needs pooledText',
    ],
    ['a key twice', 'batch: 64', 'batch: 64\n  batch: 32', 'r.yaml:23: not valid YAML'],
    ['a broken line', 'batch: 64', 'batch: [64', 'not valid YAML'],
    ['tabs', '  batch: 64', '\tbatch: 64', 'not valid YAML'],
    ['__proto__', 'batch: 64', 'batch: 64\n  __proto__: 1', 'r.yaml:23: train.__proto__: unknown key'],
  ];
  it.each(cases)('%s', (_, from, to, message) => {
    expect(RECIPE).toContain(from);
    expect(errorOf(RECIPE.replace(from, to)).message).toContain(message);
  });

  it('all faults are told at once, up to ten', () => {
    const text = RECIPE.replace(
      'batch: 64',
      `batch: x\n${Array.from({ length: 20 }, (_, i) => `  z${i}: 1`).join('\n')}`,
    );
    const lines = errorOf(text).message.split('\n');
    expect(lines.length).toBeLessThan(14);
    expect(lines.join('\n')).toContain('and 11 more');
  });

  it.each(['', '# nothing', '- a\n- b', 'just a text', '42', 'a: 1\n---\nb: 2', '{', '*x', 'a: *x'])(
    '%j is none',
    (text) => {
      expect(errorOf(text)).toBeInstanceOf(RecipeError);
    },
  );

  it('an override is named instead of a line', () => {
    expect(errorOf(RECIPE, ['optimizer.lr=fast']).message).toContain(
      '--set optimizer.lr=fast: optimizer.lr: expected a number, got "fast"',
    );
    expect(errorOf(RECIPE, ['optimizer.lrr=1']).message).toContain(
      '--set optimizer.lrr=1: optimizer.lrr: unknown key; did you mean `lr`?',
    );
    expect(errorOf(RECIPE, ['optimiser.lr=1']).message).toContain(
      '--set optimiser.lr=1: optimiser: unknown key; did you mean `optimizer`?',
    );
  });

  it.each([
    'optimizer.lr',
    '=1',
    'a..b=1',
    '.a=1',
    'output.name=1',
    'optimizer.lr=[',
    'optimizer.lr={a: 1}',
    'optimizer={a: 1}',
    '',
  ])('the override %j', (override) => {
    expect(errorOf(RECIPE, [override]).message).toContain(`--set ${override}`);
  });
});

describe('hostile recipes', () => {
  it('aliases that grow', () => {
    const levels = Array.from(
      { length: 30 },
      (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}, *a${i}, *a${i}, *a${i}, *a${i}]`,
    );
    expect(errorOf(`a0: &a0 x\n${levels.join('\n')}`)).toBeInstanceOf(RecipeError);
  });

  it('nesting, length, and an alias of itself', () => {
    expect(errorOf(`a: ${'['.repeat(100_000)}`)).toBeInstanceOf(RecipeError);
    expect(errorOf(`a: ${'['.repeat(500)}${']'.repeat(500)}`).message).toMatch(/deep/);
    expect(errorOf(`a: ${'x'.repeat(2_000_000)}`).message).toMatch(/at most/);
    expect(errorOf('a: &a [*a]', [], z.strictObject({ b: z.number() }))).toBeInstanceOf(RecipeError);
  });

  it('mutated recipes are accepted or refused by a typed error', () => {
    const random = new Random(5);
    const letters = [...' :-[]{}"\'#&*!|>%@`\n\tabz019.,'];
    for (let round = 0; round < 500; round++) {
      const text = [...RECIPE];
      for (let i = 0; i <= random.integer(4); i++)
        text.splice(random.integer(text.length), random.integer(3), random.pick(letters));
      try {
        parseRecipe(trainingRecipe, text.join(''), 'r.yaml');
      } catch (error) {
        if (!(error instanceof RecipeError)) throw error;
      }
    }
  });
});

describe('files', () => {
  const folder = temporaryFolder();
  it('reads one, and refuses what is none', async () => {
    writeFileSync(join(folder, 'good.yaml'), RECIPE);
    expect((await readRecipe(trainingRecipe, join(folder, 'good.yaml'))).output).toBe('runs/emoji');
    writeFileSync(join(folder, 'latin.yaml'), Uint8Array.of(0x61, 0x3a, 0x20, 0xff));
    for (const path of [join(folder, 'latin.yaml'), join(folder, 'absent.yaml'), folder]) {
      await expect(readRecipe(trainingRecipe, path)).rejects.toThrow(RecipeError);
    }
  });
});

it('distances', () => {
  expect(editDistance('', 'abc')).toBe(3);
  expect(editDistance('ab', 'ba')).toBe(1);
  expect(editDistance('kitten', 'sitting')).toBe(3);
  expect(nearest('wramup', ['warmup', 'kind'])).toBe('warmup');
  expect(nearest('x', ['y'])).toBeUndefined();
});
