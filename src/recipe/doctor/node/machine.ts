import { statfs } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { Runtime } from '../../../runtime/types.ts';
import { createRuntime } from '../../../runtime/node/index.ts';
import { type Budget, budgetFindings, type RunPlan } from '../budget.ts';
import type { RecipeFinding } from '../finding.ts';
import { type MachineRates, measureRates } from '../rates.ts';

/** What a recipe says about its course, as far as a budget needs it. */
export interface Course {
  readonly threads?: number | undefined;
  readonly minutes?: number | undefined;
  /** Checkpoints that stay. */
  readonly keep: number;
  readonly output: string;
  /** Measured where absent. */
  readonly rates?: MachineRates | undefined;
}

/** Measures the machine and holds a budget against it. */
export async function machineFindings(budget: Budget, course: Course, run: RunPlan): Promise<RecipeFinding[]> {
  const runtime: Runtime = await createRuntime(course.threads === undefined ? {} : { threads: course.threads });
  try {
    const limit = process.constrainedMemory();
    const memory = limit > 0 && limit < totalmem() ? limit : totalmem();
    // What this process takes already is part of the budget.
    const free = Math.min(freemem() + process.memoryUsage.rss(), memory);
    return [
      ...budgetFindings(budget, {
        rates: course.rates ?? (await measureRates(runtime)),
        machine: { memory, free, threads: runtime.threads },
        run,
      }),
      ...(await diskFindings(budget, course)),
    ];
  } finally {
    await runtime.dispose();
  }
}

/** Checkpoints hold the weights and the optimizer's state; a new one is written before an old one is removed. */
async function diskFindings({ bytes }: Budget, { keep, output }: Course): Promise<RecipeFinding[]> {
  const needed = (bytes.weights + bytes.optimizer) * (keep + 1) + bytes.weights;
  const free = await freeSpace(resolve(output));
  if (free === undefined || needed <= free) return [];
  const mib = (value: number): string => `${(value / 2 ** 20).toFixed(0)} MiB`;
  return [
    {
      level: 'error',
      check: 'disk',
      where: 'output',
      message: `checkpoints and model take about ${mib(needed)}, and ${mib(free)} are free at ${output}`,
      hint: 'make room, lower train.keep, or name another folder',
    },
  ];
}

/** Of the nearest folder that is there. */
async function freeSpace(path: string): Promise<number | undefined> {
  for (let at = path; ; at = dirname(at)) {
    const found = await statfs(at).catch(() => undefined);
    if (found !== undefined) return found.bavail * found.bsize;
    if (dirname(at) === at) return undefined;
  }
}
