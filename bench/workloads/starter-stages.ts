/** The stages of the starter's recipes, at a size at which a run takes seconds. */
import { basename, extname, join } from 'node:path';
import { PACKAGE_ROOT } from '../../src/core/node/index.ts';
import { type TuningRecipe, tuningRecipe } from '../../src/recipe/index.ts';
import { readRecipe, stagesOf } from '../../src/recipe/node/index.ts';

const RUN = [
  'data.length=96',
  'data.learned=48',
  'schedule.warmup=5',
  'train.steps=40',
  'train.batch=2',
  'train.checkpointEvery=3',
  'train.threads=1',
];

/** Of the model that the first stage makes. */
const MODEL = [
  'vocabulary=600',
  'config.connector_hidden_size=16',
  'config.projection_dim=8',
  'config.vision_config.image_size=32',
  'config.vision_config.stem_channels=[8, 8]',
  'config.vision_config.hidden_size=16',
  'config.vision_config.intermediate_size=24',
  'config.vision_config.num_hidden_layers=1',
  'config.text_config.hidden_size=16',
  'config.text_config.intermediate_size=24',
  'config.text_config.num_hidden_layers=1',
];

/** The starter's recipes, in order: the first makes the model, the last asks questions of all kinds. */
export async function starterRecipes(): Promise<readonly { readonly path: string; readonly recipe: TuningRecipe }[]> {
  const paths = await stagesOf(join(PACKAGE_ROOT, 'recipes', 'starter'));
  return Promise.all(paths.map(async (path) => ({ path, recipe: await readRecipe(tuningRecipe, path) })));
}

/** A stage of the starter. */
export interface StarterStage {
  /** Of its recipe. */
  readonly name: string;
  /** Arguments of `sensorium train`, less `--out`. */
  readonly args: readonly string[];
}

/**
 * All stages, in order. Models and vectors of concepts that the recipes take from an earlier stage are taken from its run.
 * @param runOf folder of the run of a stage, by its name
 */
export async function starterStages(runOf: (name: string) => string): Promise<readonly StarterStage[]> {
  const stages: StarterStage[] = [];
  // Folders of runs by what the recipes call them.
  const runs = new Map<string, string>();
  for (const { path, recipe } of await starterRecipes()) {
    const { model, output } = recipe;
    const name = basename(path, extname(path));
    const sets = [
      ...RUN,
      ...(model.create === undefined ? [] : MODEL.map((set) => `model.create.${set}`)),
      ...moved('model.from', model.from, runs),
      ...moved('model.conceptsFrom', model.conceptsFrom, runs),
    ];
    stages.push({ name, args: [path, ...sets.flatMap((set) => ['--set', set])] });
    runs.set(output, runOf(name));
  }
  return stages;
}

/** A key that names something in the run of an earlier stage, and where it is here. */
function moved(key: string, place: string | undefined, runs: ReadonlyMap<string, string>): string[] {
  if (place === undefined) return [];
  for (const [output, run] of runs)
    if (place === output || place.startsWith(`${output}/`))
      return [`${key}=${JSON.stringify(`${run}${place.slice(output.length)}`)}`];
  throw new Error(`${key}: ${place} is left by no earlier stage`);
}
