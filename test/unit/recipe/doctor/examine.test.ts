import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { examineRecipe, examineStages, type Examination, readAnyRecipe } from '../../../../src/recipe/node/index.ts';
import { createModelFolder } from '../../../../src/recipe/tuning/node/new-model.ts';

const CONFIG = {
  model_type: 'sensorium_vl',
  scale_factor: 2,
  connector_hidden_size: 8,
  projection_dim: 8,
  vision_config: {
    image_size: 32,
    stem_channels: [4],
    hidden_size: 8,
    intermediate_size: 8,
    num_hidden_layers: 1,
    num_attention_heads: 2,
  },
  text_config: {
    model_type: 'llama',
    hidden_size: 8,
    intermediate_size: 8,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    num_key_value_heads: 2,
    max_position_embeddings: 256,
    rms_norm_eps: 1e-6,
    rope_theta: 10_000,
  },
};

/** A machine's, so that nothing is measured. */
const RATES = { operations: 1e10, bytes: 1e10 };

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doctor-test-'));
  await createModelFolder(join(folder, 'model'), { config: CONFIG, vocabulary: 400 }, ['What is this? red, blue'], 1);
  await mkdir(join(folder, 'data'));
  const png = await sharp({ create: { width: 24, height: 16, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  await writeFile(join(folder, 'data', 'red.png'), png);
  await writeFile(join(folder, 'data', 'cut.png'), png.subarray(0, 60));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** @param rows LLaVA's form  @param changes as on the command line */
async function examine(
  rows: readonly object[],
  changes: readonly string[] = [],
  against?: string,
): Promise<Examination> {
  await writeFile(join(folder, 'data', 'train.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
  const recipe = `
model: { type: image-text, from: ${join(folder, 'model')} }
data: { kind: conversations, length: 64, sources: [{ kind: files, path: ${join(folder, 'data', 'train.jsonl')} }] }
optimizer: { kind: adamw, lr: 0.001 }
train: { epochs: 4, batch: 1 }
output: ${join(folder, 'run')}
`;
  await writeFile(join(folder, 'recipe.yaml'), recipe);
  const read = await readAnyRecipe(join(folder, 'recipe.yaml'), changes);
  return await examineRecipe(read, { samples: 16, show: 1, against, rates: RATES });
}

const row = (id: string, answer: string, image = 'red.png'): object => ({
  id,
  image,
  conversations: [
    { from: 'human', value: '<image>\nWhat is this?' },
    { from: 'gpt', value: answer },
  ],
});

const problems = ({ findings }: Examination): string[] =>
  findings.filter(({ level }) => level !== 'note').map(({ level, check }) => `${level} ${check}`);

describe('examineRecipe', () => {
  it('has no complaint about a recipe that is well, and says what it will take', async () => {
    const examination = await examine([row('a', 'red'), row('b', 'a red wall')]);
    expect(problems(examination)).toEqual([]);
    expect(examination.findings.map(({ check }) => check).sort()).toEqual(['loss', 'memory', 'time', 'weights']);
    expect(examination.examined).toBe(2);
    expect(examination.budget!.weights.trained).toBeGreaterThan(3000);
    expect(examination.shown[0]!.pieces.find(({ kind }) => kind === 'learned')!.text).toBe('red<|end|>');
  });

  it('finds what is wrong with samples, each named', async () => {
    const rows = [row('good', 'red'), row('cut', 'red', 'cut.png'), row('silent', ''), row('long', 'red '.repeat(90))];
    const examination = await examine(rows);
    expect(problems(examination)).toEqual(expect.arrayContaining(['error picture', 'error no-loss', 'error row']));
    const where = (check: string): string => examination.findings.find((found) => found.check === check)!.where;
    expect(where('picture')).toContain('cut');
    expect(where('no-loss')).toContain('silent');
    expect(where('row')).toContain('long');
  });

  it('finds samples that are there twice, and those that evaluation has too', async () => {
    expect(problems(await examine([row('a', 'red'), row('b', 'red')]))).toEqual(['warning duplicates']);
    const against = join(folder, 'data', 'test.jsonl');
    await writeFile(against, JSON.stringify(row('t', 'red')));
    expect(problems(await examine([row('a', 'red')], [], against))).toEqual(['error overlap']);
  });

  it('finds rows, batches and lengths that cannot be', async () => {
    const rows = [row('a', 'red'), row('b', 'blue')];
    expect(problems(await examine(rows, ['data.length=1024']))).toContain('error context');
    expect(problems(await examine(rows, ['train.batch=50']))).toContain('error batch');
    expect(problems(await examine(rows, ['schedule.warmup=100']))).toEqual(['warning warmup']);
    const automatic = await examine(rows, ['train.batch=auto']);
    expect(automatic.findings).toContainEqual(expect.objectContaining({ level: 'note', check: 'batch' }));
    expect(automatic.budget).toBeDefined();
  });

  it('finds evaluations that say nothing', async () => {
    const rows = [row('a', 'red'), row('b', 'blue')];
    expect(problems(await examine(rows, ['train.evaluateEvery=5']))).toEqual(['warning overlap']);
    const judged = ['train.evaluateEvery=5', 'train.stopping.metric=accuracy'];
    expect(problems(await examine(rows, judged))).toEqual(['error stopping', 'warning overlap']);
    const own = `data.validation.sources=[{ kind: files, path: ${join(folder, 'data', 'train.jsonl')} }]`;
    expect(problems(await examine(rows, ['train.evaluateEvery=5', own]))).toEqual(['error overlap', 'error overlap']);
  });

  it('reports a model or data that are not there', async () => {
    expect(problems(await examine([row('a', 'red')], [`model.from=${join(folder, 'absent')}`]))).toEqual([
      'error model',
    ]);
    await writeFile(join(folder, 'easy.yaml'), EASY_VQA);
    const easy = await readAnyRecipe(join(folder, 'easy.yaml'));
    expect(problems(await examineRecipe(easy, { samples: 4, show: 0 }))).toEqual(['error data']);
  });

  // Drawings are rendered at first, which takes a while.
  it.each(['fusion-pretrain-emoji.yaml', 'fusion-pretrain-shapes.yaml'])('accepts %s', async (name) => {
    const file = new URL(`../../../../recipes/${name}`, import.meta.url);
    const read = await readAnyRecipe(fileURLToPath(file), [`output=${join(folder, 'pretrained')}`]);
    const examination = await examineRecipe(read, { samples: 4, show: 0, rates: RATES });
    expect(examination.findings.filter(({ level }) => level === 'error')).toEqual([]);
    expect(examination.examined).toBeGreaterThan(0);
    expect(examination.budget!.weights.trained).toBeGreaterThan(10_000);
  });

  it('lets a stage begin with what the one before it will leave', async () => {
    await examine([row('a', 'red'), row('b', 'blue')]);
    const path = join(folder, 'recipe.yaml');
    const second = [`model.from=${join(folder, 'run', 'model')}`, `output=${join(folder, 'second')}`];
    const stages = [await readAnyRecipe(path), await readAnyRecipe(path, second)];
    const options = { samples: 4, show: 0, rates: RATES };
    expect((await examineStages(stages, options)).map(problems)).toEqual([[], []]);
    expect((await examineStages(stages.slice(1), options)).map(problems)).toEqual([['error model']]);
  });

  it('says that a folder holds a run already', async () => {
    await mkdir(join(folder, 'run'), { recursive: true });
    await writeFile(join(folder, 'run', 'metrics.jsonl'), '');
    expect(problems(await examine([row('a', 'red')]))).toEqual(['warning output']);
    await rm(join(folder, 'run'), { recursive: true });
  });
});

const EASY_VQA = `
model:
  type: fusion
  vision: { kind: convnet, imageSize: 64, channels: [8], blocks: [1], stem: 4 }
  text: { vocabularySize: 200, maxLength: 12, width: 8, layers: 1, heads: 2 }
  fusion: { hidden: 8, heads: 2 }
data: { kind: easy-vqa, path: absent.tar }
optimizer: { kind: adamw, lr: 0.002 }
train: { steps: 3, batch: 2 }
output: runs/none
`;
