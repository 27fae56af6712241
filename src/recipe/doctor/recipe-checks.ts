/** What a recipe says that is allowed and still most likely not meant. */
import type { TuningRecipe } from '../tuning/types.ts';
import type { TrainSection } from '../types.ts';
import type { RecipeFinding } from './finding.ts';

/** Figures that asking a model of pictures and texts gives. */
const TUNING_METRICS = ['exact'];
/** Batches of a recipe that leaves their size to be found are reckoned with so many samples. */
export const TRIED_BATCH = 8;

/** What is looked at without opening anything. */
export function tuningFindings({ data, train }: TuningRecipe): RecipeFinding[] {
  const findings: RecipeFinding[] = [];
  const { stopping, evaluateEvery, samplesEvery } = train;
  if (stopping !== undefined && !TUNING_METRICS.includes(stopping.metric))
    findings.push({
      level: 'error',
      check: 'stopping',
      where: 'train.stopping.metric',
      message: `evaluations give no figure '${stopping.metric}'; they give ${TUNING_METRICS.join(', ')}`,
      hint: `write metric: ${TUNING_METRICS[0]!}`,
    });
  const asks = evaluateEvery + samplesEvery > 0;
  if (asks && data.validation?.sources === undefined && data.sources.some(({ kind }) => kind === 'files'))
    findings.push({
      level: evaluateEvery > 0 ? 'warning' : 'note',
      check: 'overlap',
      where: 'data.validation',
      message:
        'the model is asked about the samples that it learns from, so that its figure says how well it remembers',
      hint: 'name other samples in data.validation.sources',
    });
  return findings;
}

/** @param steps updates of the run, where they are known */
export function courseFindings(warmup: number, steps: number | undefined): RecipeFinding[] {
  if (steps === undefined || warmup < steps) return [];
  return [
    {
      level: 'warning',
      check: 'warmup',
      where: 'schedule.warmup',
      message: `the rate rises over ${warmup} steps, and the run has ${steps}`,
      hint: 'lower warmup, to a tenth of the steps or less',
    },
  ];
}

export function automaticBatch(train: Pick<TrainSection, 'batch'>): RecipeFinding[] {
  if (train.batch !== 0) return [];
  return [
    {
      level: 'note',
      check: 'batch',
      where: 'train.batch',
      message: `the batch is found when the run begins; memory and time are reckoned with ${TRIED_BATCH} samples`,
    },
  ];
}
