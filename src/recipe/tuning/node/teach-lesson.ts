/** A lesson from beginning to end: whether it fits, the training, and what the model then answers. */
import { TrainingError } from '../../../core/index.ts';
import { load, loadAdapter } from '../../../auto/node/index.ts';
import { textOf } from '../../../data/index.ts';
import { openSampleSource } from '../../../data/node/index.ts';
import { isRight } from '../../../eval/suites/answers.ts';
import { ask } from '../../../tasks/index.ts';
import type { MachineRates } from '../../doctor/rates.ts';
import { examineRecipe } from '../../doctor/node/examine.ts';
import { LESSON_QUESTIONS, lessonRecipe } from '../lesson.ts';
import { lessonSettings } from './lesson-settings.ts';
import { runTuning } from './run-tuning.ts';

/** What is to be taught, as plain data. */
export interface LessonOrder {
  /** Folder of the model. */
  readonly model: string;
  /** File of the lesson, see `writeLesson`. */
  readonly data: string;
  /** Folder of the run, which is made. */
  readonly output: string;
  /** How long it trains. */
  readonly seconds: number;
  /** Threads of the engine; all processors unless told. */
  readonly threads?: number | undefined;
  /** Folder for rendered drawings. */
  readonly cacheFolder?: string | undefined;
}

/** How a lesson goes, after a step. */
export interface LessonProgress {
  readonly step: number;
  /** Part of the time that is over, 0 to 1. */
  readonly progress: number;
  /** Seconds of training so far. */
  readonly seconds: number;
  readonly loss: number;
  /** Share of the learned tokens that the model would have said itself. */
  readonly accuracy: number;
}

/** What came of a lesson. */
export interface LessonOutcome {
  /** Folder of the adapter, in PEFT's form. */
  readonly adapter: string;
  readonly steps: number;
  readonly seconds: number;
  /** Pictures of the lesson that the model was asked about afterwards, and how many of them it named as it was taught. */
  readonly asked: number;
  readonly right: number;
}

/** Where a lesson reports to. */
export interface LessonHooks {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LessonProgress) => void;
}

/** Samples that the doctor looks at. */
const EXAMINED = 4;
/** The doctor's word on time is not asked for: a lesson ends on time on any machine. */
const RATES: MachineRates = { operations: 1e11, bytes: 1e10 };
/** Milliseconds within which the model is asked afterwards; a large one answers some of the questions only. */
const ASKING = 10_000;
/** Longest answer that is waited for. */
const ANSWER_TOKENS = 64;

/**
 * Teaches a model an adapter.
 * @throws TrainingError when the machine cannot do it, the signal's reason when it was ended, and what `runTuning` throws
 */
export async function teachLesson(order: LessonOrder, hooks: LessonHooks = {}): Promise<LessonOutcome> {
  const { model, data, output, seconds, threads, cacheFolder } = order;
  const { signal, onProgress } = hooks;
  const settings = await lessonSettings(model, data);
  const recipe = lessonRecipe({
    from: model,
    data,
    output,
    minutes: seconds / 60,
    settings,
    ...(threads === undefined ? {} : { threads }),
  });
  const cache = cacheFolder === undefined ? {} : { cacheFolder };
  signal?.throwIfAborted();
  const { findings } = await examineRecipe(
    { kind: 'image-text', recipe },
    { samples: EXAMINED, show: 0, rates: RATES, ...cache },
  );
  // What does not fit into free memory would slow down or end everything else on this machine.
  const fault = findings.find(({ level, check }) => level === 'error' || (level === 'warning' && check === 'memory'));
  if (fault !== undefined) throw new TrainingError(`${fault.check}: ${fault.message}`, fault.hint);
  signal?.throwIfAborted();
  const { model: adapter, training } = await runTuning(recipe, {
    ...cache,
    stream: { write: () => true },
    ...(signal === undefined ? {} : { interrupt: signal }),
    onStep: ({ step, progress, seconds: spent, result }) =>
      onProgress?.({
        step,
        progress,
        seconds: spent,
        loss: result.loss,
        accuracy: result.figures['accuracy'] ?? Number.NaN,
      }),
  });
  if (adapter === undefined) {
    signal?.throwIfAborted();
    throw new TrainingError('the lesson ended before anything was learned', 'begin again');
  }
  const { asked, right } = await examine(order, adapter, signal);
  return { adapter, steps: training.steps, seconds: training.seconds, asked, right };
}

/** Asks about the pictures that were taught, each once, as long as there is time. */
async function examine(
  { model: folder, data, threads }: LessonOrder,
  adapter: string,
  signal: AbortSignal | undefined,
): Promise<{ asked: number; right: number }> {
  const model = await load(folder, threads === undefined ? {} : { threads });
  let [asked, right] = [0, 0];
  try {
    if (model.kind !== 'language') return { asked, right };
    await model.useAdapters([{ adapter: await loadAdapter(model, adapter), weight: 1 }]);
    const source = await openSampleSource({ path: data });
    try {
      const end = performance.now() + ASKING;
      const each = LESSON_QUESTIONS.en.length + LESSON_QUESTIONS.zh.length;
      for (let i = 0; i < source.length && performance.now() < end; i += each) {
        const { pictures, conversations } = await source.sample(i, { seed: 0, epoch: 0 });
        const [question, answer] = conversations[0]!;
        const picture = await pictures[0]!.open();
        const options = { maxNewTokens: ANSWER_TOKENS, temperature: 0, ...(signal === undefined ? {} : { signal }) };
        const { text } = await ask(model, textOf(question!.content).trim(), [picture], options);
        asked++;
        if (isRight(text, [textOf(answer!.content)])) right++;
      }
    } finally {
      await source.close?.();
    }
  } finally {
    await model.dispose();
  }
  return { asked, right };
}
