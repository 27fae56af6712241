/** Pretraining with masked words, alignment and matching against training from nothing, on a tenth of the labels. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { trainingRecipe } from '../src/recipe/index.ts';
import { readRecipe, type RunEvaluation, runRecipe, type RunOutcome } from '../src/recipe/node/index.ts';
import type { BenchOptions, Figure } from './types.ts';

export const description: string =
  'Pretraining with the weighted sum against training from nothing, on a tenth of the labels (--data easy-VQA)';

const SEEDS = [1, 2, 3];

/** What is learned: the recipe of each half, beside this file's sources and not its compiled form. */
const TASKS = [
  {
    name: 'emoji statements',
    pretrain: 'fusion-pretrain-emoji.yaml',
    tune: 'fusion-tune-emoji.yaml',
    needsData: false,
  },
  { name: 'easy-VQA', pretrain: 'fusion-pretrain-shapes.yaml', tune: 'fusion-tune-easy-vqa.yaml', needsData: true },
] as const;

const SILENT = { isTTY: false, columns: 80, write: (): boolean => true };

/** Both halves take the same recipe, labels, seed and number of supervised steps; one begins with the pretrained weights. */
export async function* run({ data, threads }: BenchOptions): AsyncGenerator<Figure> {
  const folder = await mkdtemp(join(tmpdir(), 'sensorium-weighted-sum-'));
  let [better, pairs] = [0, 0];
  try {
    for (const { name, pretrain, tune, needsData } of TASKS) {
      if (needsData && data === undefined) {
        yield { name, value: Number.NaN, unit: '', note: 'left out: give --data with the folder or tar of easy-VQA' };
        continue;
      }
      for (const seed of SEEDS) {
        const train = async (recipe: string, out: string, ...more: string[]): Promise<RunOutcome> => {
          const output = join(folder, `${name.replaceAll(' ', '-')}-${seed}-${out}`);
          const path = fileURLToPath(new URL(`../../recipes/${recipe}`, import.meta.url));
          const given = needsData && recipe === tune ? [`data.path=${JSON.stringify(data)}`] : [];
          const sets = [`train.seed=${seed}`, `train.threads=${threads}`, `output=${JSON.stringify(output)}`];
          return await runRecipe(await readRecipe(trainingRecipe, path, [...sets, ...given, ...more]), {
            stream: SILENT,
          });
        };
        const nothing = await train(tune, 'nothing');
        const before = await train(pretrain, 'pretrained');
        const model = join(before.folder, 'model');
        const pretrained = await train(tune, 'tuned', `model.from=${JSON.stringify(model)}`);
        const [value, peerValue] = [accuracyOf(pretrained), accuracyOf(nothing)];
        pairs++;
        if (value > peerValue) better++;
        yield {
          name: `${name}, 10 % of labels, seed ${seed}`,
          value,
          unit: 'accuracy',
          peer: `from nothing: ${peerValue.toFixed(4)}`,
          peerValue,
          ratio: value / peerValue,
          note: `${seconds(before)} s and ${seconds(pretrained)} s beside ${seconds(nothing)} s of training`,
        };
      }
    }
    yield { name: 'pairs in which pretraining is better', value: better, unit: `of ${pairs}` };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function seconds({ training }: RunOutcome): string {
  return training.seconds.toFixed(0);
}

/** Accuracy on the test split, balanced for statements. */
function accuracyOf({ finished }: RunOutcome): number {
  const evaluation: RunEvaluation | undefined = finished?.evaluation;
  if (evaluation?.kind === 'emoji-statements') return evaluation.test.overall.balancedAccuracy;
  if (evaluation?.kind === 'easy-vqa') return evaluation.test.accuracy;
  throw new Error('the run was not finished');
}
