/** A recipe looked at before it is run: `sensorium doctor RECIPE`. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SensoriumError } from '../../../core/index.ts';
import type { AnyRecipe } from '../../node/read-recipe.ts';
import { defaultCacheFolder } from '../../node/run.ts';
import { METRICS } from '../../node/run-files.ts';
import type { Budget } from '../budget.ts';
import type { MachineRates } from '../rates.ts';
import { orderFindings, type RecipeFinding } from '../finding.ts';
import type { LossPiece } from '../loss-text.ts';
import { examineFusion } from './examine-fusion.ts';
import { examineTuning } from './examine-tuning.ts';

export interface ExamineOptions {
  /** Samples that are looked at, spread over the data. */
  readonly samples: number;
  /** Of them, how many are shown. */
  readonly show: number;
  /** File or folder of evaluation data that training must not have. */
  readonly against?: string | undefined;
  /** How fast the machine is; measured by default. */
  readonly rates?: MachineRates;
  /** For rendered drawings; the usual one by default. */
  readonly cacheFolder?: string;
}

/** A conversation and which of its tokens carry loss. */
export interface ShownConversation {
  readonly sample: string;
  readonly pieces: readonly LossPiece[];
}

export interface Examination {
  /** The worst first. */
  readonly findings: readonly RecipeFinding[];
  readonly shown: readonly ShownConversation[];
  /** Samples that were looked at. */
  readonly examined: number;
  /** Absent where an error came before it. */
  readonly budget: Budget | undefined;
}

/** Parts of an examination as they are found. */
export interface Examining extends Omit<ExamineOptions, 'cacheFolder'> {
  readonly cacheFolder: string;
  /** Folder for what is made to be looked at. */
  readonly scratch: string;
  /** Models that earlier stages will leave, by real path, and those that stand in for them until then. */
  readonly standIns: Map<string, string>;
  readonly findings: RecipeFinding[];
  readonly shown: ShownConversation[];
  examined: number;
  budget: Budget | undefined;
}

/** Never throws for what a recipe, a model or data do wrong: that is what is reported. */
export async function examineRecipe(read: AnyRecipe, options: ExamineOptions): Promise<Examination> {
  const [examination] = await examineStages([read], options);
  return examination!;
}

/** Recipes that follow each other, of which a later one may begin with what an earlier one will leave. */
export async function examineStages(
  stages: readonly AnyRecipe[],
  options: ExamineOptions,
): Promise<readonly Examination[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'sensorium-doctor-'));
  try {
    const standIns = new Map<string, string>();
    const examinations: Examination[] = [];
    for (const read of stages) {
      const examining: Examining = {
        ...options,
        cacheFolder: options.cacheFolder ?? defaultCacheFolder(),
        scratch,
        standIns,
        findings: [],
        shown: [],
        examined: 0,
        budget: undefined,
      };
      await folderFindings(read.recipe.output, examining);
      if (read.kind === 'fusion') await examineFusion(read.recipe, examining);
      else await examineTuning(read.recipe, examining);
      const { findings, shown, examined, budget } = examining;
      examinations.push({ findings: orderFindings(findings), shown, examined, budget });
    }
    return examinations;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function folderFindings(output: string, { findings }: Examining): Promise<void> {
  if ((await stat(join(output, METRICS)).catch(() => undefined)) === undefined) return;
  findings.push({
    level: 'warning',
    check: 'output',
    where: 'output',
    message: `${output} holds a run already`,
    hint: 'go on with it by train --resume, or name another folder with --out',
  });
}

/**
 * Does a part of the work; an error of the project's own becomes a finding.
 * @returns undefined after an error
 */
export async function attempt<T>(
  { findings }: Examining,
  at: Pick<RecipeFinding, 'check' | 'where'>,
  act: () => T | Promise<T>,
): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof SensoriumError)) throw error;
    findings.push({
      level: 'error',
      ...at,
      message: error.said,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
    return undefined;
  }
}
