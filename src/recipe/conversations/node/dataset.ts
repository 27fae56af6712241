/** The dataset of conversations, made in worker threads from the folder of a model and descriptions of sources. */
import { CheckpointTokenizer, joinedTokens, type ReportProgress, type SampleSource } from '../../../data/index.ts';
import { createProcessor } from '../../../auto/index.ts';
import { type JsonObject, openCheckpoint } from '../../../hub/node/index.ts';
import { ConversationDataset, type ConversationShape, type RowPlan } from '../dataset.ts';
import { encodeSample, type ConversationReader } from '../encode.ts';
import { planRows, sizeOf } from '../pack.ts';
import { openSources, prepareSources, type SourcesMaterial, type SourcesOptions } from './sources.ts';

/** URL for {@link DatasetDescription.module}. */
export const CONVERSATIONS_MODULE: string = import.meta.url;

/** Plain data, so that it can be sent to a worker. */
export interface ConversationsOptions {
  /** Folder whose tokenizer, chat template and processor read the samples. */
  readonly model: string;
  readonly sources: SourcesOptions;
  readonly shape: ConversationShape;
  /** Decides which samples share a row. */
  readonly seed: number;
}

export interface ConversationsMaterial {
  readonly sources: SourcesMaterial;
  readonly plan: RowPlan | undefined;
}

/**
 * Loads what sources share, and where samples are not made to fit, finds their lengths and which of them share a row.
 * @public
 */
export async function prepare(options: ConversationsOptions, report?: ReportProgress): Promise<ConversationsMaterial> {
  const sources = await prepareSources(options.sources, report);
  const source = await openSources(options.sources, sources);
  try {
    if (source.fitted) return { sources, plan: undefined };
    return { sources, plan: await plan(source, options, report) };
  } finally {
    await source.close?.();
  }
}

async function plan(source: SampleSource, options: ConversationsOptions, report?: ReportProgress): Promise<RowPlan> {
  const reader = await openReader(options.model);
  const sizes = [];
  for (let i = 0; i < source.length; i++) {
    const sample = await source.sample(i, { seed: options.seed, epoch: 0 });
    sizes.push(sizeOf(await encodeSample(sample, reader), options.shape.imageToken));
    report?.(i + 1, source.length, 'samples measured');
  }
  return planRows(sizes, options.shape);
}

/**
 * Called in each worker.
 * @public
 */
export async function create(
  options: ConversationsOptions,
  { sources, plan }: ConversationsMaterial,
): Promise<ConversationDataset> {
  const source = await openSources(options.sources, sources);
  const reader = await openReader(options.model, { joined: (options.shape.splitTokens ?? 0) > 0 });
  return new ConversationDataset(source, reader, options.shape, plan);
}

/** A reader, and the `config.json` of the model that it reads for. */
export interface OpenReader extends ConversationReader {
  readonly config: JsonObject;
}

/** What a model's folder says about reading, with what its tokens are joined of where asked. @throws CheckpointError */
export async function openReader(folder: string, { joined = false }: { joined?: boolean } = {}): Promise<OpenReader> {
  const checkpoint = await openCheckpoint(folder);
  await checkpoint.weights.close();
  const { config } = checkpoint;
  const tokenizer = new CheckpointTokenizer(checkpoint.files, folder);
  const readsPictures = checkpoint.files.preprocessor !== undefined || checkpoint.files.processor !== undefined;
  return {
    config,
    tokenizer,
    ...(joined ? { joined: joinedTokens(checkpoint.files.tokenizer, `${folder}: tokenizer.json`) } : {}),
    ...(readsPictures ? { processor: createProcessor(config, checkpoint.files, tokenizer) } : {}),
  };
}
