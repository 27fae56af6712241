import { join } from 'node:path';
import type { HostTensor } from '../../../core/index.ts';
import type { JsonObject } from '../../../hub/node/index.ts';
import type { TrainerHooks, TrainingStep } from '../../../train/index.ts';
import { openSources, prepareSources, type SourcesOptions } from '../../conversations/node/sources.ts';
import type { TuningRecipe } from '../types.ts';
import { type HeldAnswers, HeldQuestions } from './held-questions.ts';

/** Questions that are asked where the recipe says nothing of it, and answers that are recorded each time. */
const QUESTIONS = 64;
const RECORDED = 12;

/** What asking needs of a run. */
export interface HeldContext {
  readonly recipe: TuningRecipe;
  /** Folder of the model that training began with, and its `config.json`. */
  readonly start: string;
  readonly config: JsonObject;
  /** Sources of the run. */
  readonly sources: SourcesOptions;
  /** The model's weights by its own paths. */
  weightsOf(step: TrainingStep): Promise<Readonly<Record<string, HostTensor>>>;
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
      latest = { step: done, answers: await questions.ask(await weightsOf(step)) };
    }
    return latest.answers;
  };
  return {
    evaluate: async (step, done) => ({ exact: (await ask(step, done)).exact }),
    samples: async (step, done) => (await ask(step, done)).samples.slice(0, RECORDED),
  };
}

async function openQuestions({ recipe, start, config, sources }: HeldContext): Promise<HeldQuestions> {
  const { validation } = recipe.data;
  const options = { ...sources, sources: validation?.sources ?? recipe.data.sources };
  const opened = await openSources(options, await prepareSources(options));
  try {
    return await HeldQuestions.open(opened, validation?.questions ?? QUESTIONS, recipe.train.seed, {
      folder: join(recipe.output, '.asked'),
      config,
      companionsOf: start,
      threads: recipe.train.threads,
    });
  } finally {
    await opened.close?.();
  }
}
