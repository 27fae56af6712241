/** Options that the commands share that ask a model. */
import { type Command, Option } from 'commander';
import type { AnswerOptions } from '../../auto/index.ts';
import type { LoadOptions } from '../../auto/node/index.ts';
import { collect, number } from '../arguments.ts';

const DTYPES = ['float32', 'int8', 'int4'] as const;
const DEVICES = ['cpu', 'webgpu', 'cuda'] as const;

/** How a model is loaded. */
export interface LoadFlags {
  readonly dtype?: NonNullable<LoadOptions['dtype']>;
  readonly device?: NonNullable<LoadOptions['device']>;
  readonly threads?: number;
  readonly revision?: string;
  readonly offline?: boolean;
}

/** Which model, and how it is loaded. */
export interface ModelOptions extends LoadFlags {
  readonly model: string;
  /** Folders of adapters, each perhaps with `=` and how strongly it counts. */
  readonly adapter?: readonly string[];
}

/** How an answer is made. */
export interface GenerationFlags {
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
  readonly beams?: number;
}

/** `folder`, or `folder=0.5`. */
export function adapterFolder(text: string): { readonly folder: string; readonly weight?: number } {
  const match = /^(.+)=(-?(?:\d+\.?\d*|\.\d+))$/.exec(text);
  return match === null ? { folder: text } : { folder: match[1]!, weight: Number(match[2]) };
}

export function addLoadOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--dtype <type>', 'type of the weights; int8 and int4 are made once and kept').choices(DTYPES),
    )
    .addOption(new Option('--device <device>', 'where to run; cpu unless told').choices(DEVICES))
    .option('--threads <n>', 'processors to use; all unless told', number)
    .option('--revision <name>', 'branch, tag or commit of the Hub')
    .option('--offline', 'use what is in the cache, fetch nothing');
}

/** Those that were given. */
export function loadOptions({ dtype, device, threads, revision, offline }: LoadFlags): LoadOptions {
  return {
    ...(dtype === undefined ? {} : { dtype }),
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
    ...(revision === undefined ? {} : { revision }),
    ...(offline === undefined ? {} : { offline }),
  };
}

export function addModelOptions(command: Command): Command {
  return addLoadOptions(
    command.option(
      '-m, --model <name>',
      'folder of a checkpoint, owner/name of the Hugging Face Hub, or the starter',
      'starter',
    ),
  ).option(
    '--adapter <folder[=x]>',
    'an adapter in PEFT form, counting x times (1 unless told); several add up',
    collect,
  );
}

export function addGenerationOptions(command: Command): Command {
  return command
    .option('--max-tokens <n>', 'most tokens of an answer', number)
    .option('--temperature <x>', '0 takes the likeliest token; about 1 varies', number)
    .option('--top-p <x>', 'draw from the likeliest tokens that together reach this probability', number)
    .option('--top-k <n>', 'draw from this many of the likeliest tokens', number)
    .option('--min-p <x>', 'draw from tokens at least this times as likely as the likeliest', number)
    .option('--repetition-penalty <x>', 'above 1 makes tokens that were there less likely', number)
    .option('--presence-penalty <x>', 'taken from tokens that the answer holds', number)
    .option('--frequency-penalty <x>', 'the same, for each time that it holds them', number)
    .option('--seed <n>', 'the same seed gives the same answer', number)
    .option('--stop <text>', 'ends the answer before this text; may be repeated', collect)
    .option('--beams <n>', 'search for the likeliest answer, following this many at once', number);
}

/** The options of the library for what was given. */
export function generationOptions(flags: GenerationFlags): AnswerOptions {
  const { maxTokens: maxNewTokens, temperature, topP, topK, minP, seed, stop, beams: numBeams } = flags;
  const { repetitionPenalty, presencePenalty, frequencyPenalty } = flags;
  const all = {
    maxNewTokens,
    temperature,
    topP,
    topK,
    minP,
    repetitionPenalty,
    presencePenalty,
    frequencyPenalty,
    seed,
    stop,
    numBeams,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
