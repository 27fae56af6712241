/** What a run will take of memory and time, reckoned before its first step. */
import { byteSize, elementCount } from '../../core/index.ts';
import type { Parameter, Recompute } from '../../nn/index.ts';
import {
  type BatchSignature,
  type Optimizer,
  ruleOf,
  tracedStep,
  tracedUpdate,
  type Trainable,
} from '../../train/index.ts';
import type { RecipeFinding } from './finding.ts';
import type { MachineRates } from './rates.ts';
import { workloadOf } from './workload.ts';

/** A step as it will be taken. */
export interface PlannedStep {
  readonly trainable: Trainable;
  readonly batch: BatchSignature;
  /** Which weights are trained; all by default. */
  readonly trains?: (name: string) => boolean;
  /** An average of the weights included. */
  readonly optimizer: Optimizer;
  /** Batches that are added up before an update. */
  readonly accumulate: number;
  /** Bytes of weights that are not trained, where they are not float32 in memory but lie in files. */
  readonly frozenBytes?: number;
  /** Which intermediate values are computed again instead of kept. */
  readonly recompute?: Recompute | undefined;
  /** Bytes that this process takes already with its data, which a run takes too. */
  readonly resident?: number;
}

/** Bytes and work of a step. */
export interface Budget {
  readonly weights: { readonly trained: number; readonly frozen: number };
  readonly bytes: {
    readonly weights: number;
    readonly gradients: number;
    readonly optimizer: number;
    readonly batch: number;
    /** Intermediate values of forward and backward pass, at the fullest moment. */
    readonly activations: number;
    /** The program itself, threads, and what Node takes. */
    readonly process: number;
    readonly total: number;
  };
  /** Additions and multiplications of one update. */
  readonly operations: number;
  /** Bytes that everything but products reads and writes for one update. */
  readonly moved: number;
}

/** What Node and the engine take before there is a model or data: measured, 190 to 240 MiB. */
const PROCESS = 220 * 2 ** 20;
/** Of that, what the engine takes once it runs. */
const ENGINE = 100 * 2 ** 20;
/**
 * What the engine's allocator takes for intermediate values, by what they are: places between them stay empty. Measured for four
 * models: 1.1 to 1.5.
 */
const ALLOCATOR = 1.25;
/**
 * How much longer a step takes than its products and its traffic with memory by themselves. Measured for a GPT, a ViT and the
 * emoji recipes: 1.0 to 2.1, on machines that did other work as well.
 */
const OVERHEAD = 1.5;

/** Traces forward and backward pass, and reckons. Takes seconds for large models, and no memory for values. */
export function budgetOf({
  trainable,
  batch,
  trains,
  optimizer,
  accumulate,
  frozenBytes,
  recompute,
  resident = 0,
}: PlannedStep): Budget {
  const parameters = trainable.model.parameters();
  const trained = new Map<string, Parameter>();
  let [trainedCount, frozenCount, kept, updating] = [0, 0, 0, 0];
  for (const [name, parameter] of parameters) {
    const count = elementCount(parameter.shape);
    if (trains?.(name) ?? true) {
      trained.set(name, parameter);
      trainedCount += count;
      const rule = ruleOf(optimizer, parameter);
      kept += count * rule.slots.length;
      if (rule !== optimizer) updating += workloadOf(Object.values(tracedUpdate(rule, parameter.shape))).operations;
    } else frozenCount += count;
  }
  const { operations, moved, peak } = workloadOf(tracedStep(trainable, batch, trained, recompute));
  const batchBytes = Object.values(batch).reduce(
    (sum, { dtype, shape }) => sum + elementCount(shape) * byteSize(dtype),
    0,
  );
  const bytes = {
    weights: 4 * trainedCount + (frozenBytes ?? 4 * frozenCount),
    // A running sum lies beside the gradients of the present batch.
    gradients: 4 * trainedCount * (accumulate > 1 ? 2 : 1),
    optimizer: 4 * kept,
    batch: batchBytes,
    // Gradients are written where they stay.
    activations: Math.max(0, peak - 4 * trainedCount) * ALLOCATOR,
    process: Math.max(PROCESS, resident + ENGINE),
  };
  const total = Object.values(bytes).reduce((sum, part) => sum + part, 0);
  // An update reads and writes weights and slots and reads gradients, in chunks that stay in the cache.
  const update = 4 * (3 * trainedCount + 2 * kept);
  return {
    weights: { trained: trainedCount, frozen: frozenCount },
    bytes: { ...bytes, total },
    operations: operations * accumulate + updating,
    moved: moved * accumulate + update,
  };
}

/** Seconds of one update: products as fast as on their own, everything else as fast as memory, and what lies between. */
export function secondsOf({ operations, moved }: Budget, rates: MachineRates): number {
  return OVERHEAD * (operations / rates.operations + moved / rates.bytes);
}

/** How long a run goes. */
export interface RunPlan {
  /** Updates, where the recipe tells. */
  readonly steps?: number | undefined;
  /** Minutes, where the recipe tells. */
  readonly minutes?: number | undefined;
}

export interface Machine {
  readonly memory: number;
  readonly free: number;
  readonly threads: number;
}

/** Says what a run takes, and whether the machine has it. */
export function budgetFindings(
  budget: Budget,
  { rates, machine, run }: { readonly rates: MachineRates; readonly machine: Machine; readonly run: RunPlan },
): RecipeFinding[] {
  const { bytes, weights } = budget;
  const findings: RecipeFinding[] = [];
  const parts = [
    `weights ${mib(bytes.weights)}`,
    `gradients ${mib(bytes.gradients)}`,
    `optimizer ${mib(bytes.optimizer)}`,
    `activations ${mib(bytes.activations)}`,
  ].join(', ');
  const total = `about ${mib(bytes.total)} (${parts})`;
  const hint = 'lower train.batch (and raise train.accumulate as much), or choose a smaller model or shorter rows';
  const memory = { check: 'memory', where: 'train.batch' };
  if (bytes.total > machine.memory)
    findings.push({
      ...memory,
      level: 'error',
      message: `a step takes ${total}, and the machine has ${mib(machine.memory)}`,
      hint,
    });
  else if (bytes.total > machine.free)
    findings.push({
      ...memory,
      level: 'warning',
      message: `a step takes ${total}, of which ${mib(machine.free)} are free at the moment`,
      hint: `end other programs, or ${hint}`,
    });
  else findings.push({ ...memory, level: 'note', message: `a step takes ${total}` });

  const seconds = secondsOf(budget, rates);
  const speed = `${(budget.operations / 1e9).toFixed(1)} GFLOP at ${(rates.operations / 1e9).toFixed(0)} GFLOP/s`;
  const step = `a step takes about ${duration(seconds)} (${speed}, ${machine.threads} threads)`;
  const { steps, minutes } = run;
  if (minutes !== undefined) {
    const made = Math.floor((minutes * 60) / seconds);
    findings.push({
      check: 'time',
      where: 'train.minutes',
      level: made < 100 ? 'warning' : 'note',
      message: `${step}, so that ${minutes} minutes are about ${made} steps`,
      ...(made < 100 ? { hint: 'so few steps teach little: give more minutes, or a smaller model or batch' } : {}),
    });
  } else {
    const whole = steps === undefined ? '' : `; ${steps} steps about ${duration(steps * seconds)}`;
    findings.push({ check: 'time', where: 'train', level: 'note', message: `${step}${whole}` });
  }
  const counted = (count: number): string => count.toLocaleString('en-US');
  const frozen = weights.frozen === 0 ? '' : `, ${counted(weights.frozen)} frozen`;
  findings.push({
    check: 'weights',
    where: 'model',
    level: 'note',
    message: `${counted(weights.trained)} trained weights${frozen}`,
  });
  return findings;
}

function mib(bytes: number): string {
  return bytes >= 10 * 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GiB` : `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

function duration(seconds: number): string {
  if (seconds < 1) return `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)} ms`;
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  return seconds < 7200 ? `${(seconds / 60).toFixed(0)} minutes` : `${(seconds / 3600).toFixed(1)} hours`;
}
