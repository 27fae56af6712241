import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostTensor } from '../../../core/index.ts';
import { load, loadAdapter } from '../../../auto/node/index.ts';
import type { TrainerHooks, TrainingStep } from '../../../train/index.ts';
import { openSources, prepareSources, type SourcesOptions } from '../../conversations/node/sources.ts';
import type { TuningRecipe } from '../types.ts';
import { type HeldAnswers, HeldQuestions } from './held-questions.ts';
import type { Taught } from './taught.ts';

/** Questions that are asked where the recipe says nothing of it, and answers that are recorded each time. */
const QUESTIONS = 64;
const RECORDED = 12;

/** What asking needs of a run. */
export interface HeldContext {
  readonly recipe: TuningRecipe;
  /** Folder of the model that training began with. */
  readonly start: string;
  readonly taught: Taught;
  /** Sources of the run. */
  readonly sources: SourcesOptions;
  /** The weights that are to be kept, by the paths of what is trained. */
  readonly weightsOf: (step: TrainingStep) => Promise<Readonly<Record<string, HostTensor>>>;
}

/** Hooks that ask the model between steps; none where the recipe does not want it. */
export function heldHooks(context: HeldContext): Pick<TrainerHooks, 'evaluate' | 'samples'> {
  const { recipe, weightsOf } = context;
  if (recipe.train.evaluateEvery + recipe.train.samplesEvery === 0) return {};
  let questions: HeldQuestions | undefined;
  let latest: { readonly step: number; readonly answers: HeldAnswers } | undefined;
  const ask = async (step: TrainingStep, done: number): Promise<HeldAnswers> => {
    // Evaluation and samples of one step are of the same answers.
    if (latest?.step !== done) {
      questions ??= await openQuestions(context);
      latest = { step: done, answers: await asked(context, await weightsOf(step), questions) };
    }
    return latest.answers;
  };
  return {
    evaluate: async (step, done) => ({ exact: (await ask(step, done)).exact }),
    samples: async (step, done) => (await ask(step, done)).samples.slice(0, RECORDED),
  };
}

/** Keeps what was learned in a folder beside the checkpoints, asks the model that comes of it, and removes the folder. */
async function asked(
  { recipe, start, taught }: HeldContext,
  weights: Readonly<Record<string, HostTensor>>,
  questions: HeldQuestions,
): Promise<HeldAnswers> {
  const folder = join(recipe.output, '.asked');
  const { threads } = recipe.train;
  try {
    await mkdir(folder, { recursive: true });
    const saved = await taught.save(folder, weights);
    const isAdapter = recipe.model.lora !== undefined;
    const model = await load(isAdapter ? start : saved, threads === undefined ? {} : { threads });
    try {
      if (isAdapter && model.kind === 'language')
        await model.useAdapters([{ adapter: await loadAdapter(model, saved), weight: 1 }]);
      return await questions.ask(model);
    } finally {
      await model.dispose();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function openQuestions({ recipe, sources }: HeldContext): Promise<HeldQuestions> {
  const { validation } = recipe.data;
  const options = { ...sources, sources: validation?.sources ?? recipe.data.sources };
  const opened = await openSources(options, await prepareSources(options));
  try {
    return await HeldQuestions.open(opened, validation?.questions ?? QUESTIONS, recipe.train.seed);
  } finally {
    await opened.close?.();
  }
}
