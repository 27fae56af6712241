import { z } from 'zod';
import { CheckpointError } from '../../core/index.ts';
import { CheckpointTokenizer } from '../../data/index.ts';
import { type GenerationConfig, parseConfig } from '../../hub/index.ts';
import { type Checkpoint, type LocatedWeights, locateWeights, openCheckpoint } from '../../hub/node/index.ts';
import { type Architecture, createModel } from '../architectures.ts';

/** A model as its folder describes it; weights stay in their files until it runs. */
export interface OpenModel {
  /** Real path. */
  readonly folder: string;
  readonly architecture: Architecture;
  readonly weights: LocatedWeights;
  readonly files: Checkpoint['files'];
  /** Absent where the folder has no tokenizer.json. */
  readonly tokenizer: CheckpointTokenizer | undefined;
  readonly generation: GenerationConfig | undefined;
  /** Tokens that end an answer. */
  readonly stopTokens: readonly number[];
}

/**
 * Opens the folder of a model: config.json, weights in safetensors form, and where they are there tokenizer.json,
 * tokenizer_config.json, generation_config.json, a chat template and the files of a processor.
 * @throws CheckpointError naming the file and what is wrong with it, TensorAccountError when weights do not fit config.json
 */
export async function openModel(folder: string): Promise<OpenModel> {
  const checkpoint = await openCheckpoint(folder);
  try {
    const architecture = createModel(checkpoint.config, `${folder}/config.json`);
    const { files } = checkpoint;
    const tokenizer = files.tokenizer === undefined ? undefined : new CheckpointTokenizer(files, folder);
    if (architecture.kind === 'generating' && tokenizer !== undefined)
      checkVocabulary(tokenizer, architecture.model.generation.vocabularySize, folder);
    if (tokenizer !== undefined && 'config' in architecture.model && 'text' in architecture.model.config)
      checkVocabulary(tokenizer, architecture.model.config.text.vocabularySize, folder);
    return {
      folder: checkpoint.folder,
      architecture,
      weights: locateWeights(checkpoint.weights, architecture.model.parameters(), architecture.names),
      files,
      tokenizer,
      generation: checkpoint.generationConfig,
      stopTokens: stopTokens(checkpoint, tokenizer),
    };
  } finally {
    await checkpoint.weights.close();
  }
}

/** @throws CheckpointError when the tokenizer knows more tokens than the model */
function checkVocabulary(tokenizer: CheckpointTokenizer, vocabularySize: number, folder: string): void {
  if (tokenizer.vocabularySize > vocabularySize)
    throw new CheckpointError(
      `${folder}: tokenizer.json knows ${tokenizer.vocabularySize} tokens, config.json only ${vocabularySize}`,
      'use the tokenizer that was saved with the model',
    );
}

const ends = z.union([z.int().min(0), z.array(z.int().min(0)).max(1000)]).nullish();
const endsSchema = z.looseObject({
  eos_token_id: ends,
  text_config: z.looseObject({ eos_token_id: ends }).nullish(),
});

/** From generation_config.json, or else config.json, or else the tokenizer's own end of text. */
function stopTokens(
  { folder, config, generationConfig }: Checkpoint,
  tokenizer: CheckpointTokenizer | undefined,
): readonly number[] {
  if (generationConfig !== undefined && generationConfig.eosIds.length > 0) return generationConfig.eosIds;
  const keys = parseConfig(endsSchema, config, `${folder}/config.json`);
  const found = [keys.eos_token_id ?? keys.text_config?.eos_token_id ?? []].flat();
  if (found.length > 0) return found;
  return tokenizer?.eosId === undefined ? [] : [tokenizer.eosId];
}
