import { CheckpointError } from '../../core/index.ts';
import { type ChatTemplates, CheckpointTokenizer } from '../../data/index.ts';
import { parseConfig } from '../../hub/index.ts';
import { type Checkpoint, type LocatedWeights, locateWeights, openCheckpoint } from '../../hub/node/index.ts';
import { type CausalLM, decoderNames } from '../../models/index.ts';
import { z } from 'zod';
import { createDecoder } from '../decoders.ts';

/** A language model as its folder describes it; weights stay in their files until it runs. */
export interface LoadedDecoder {
  readonly model: CausalLM;
  readonly weights: LocatedWeights;
  readonly tokenizer: CheckpointTokenizer;
  /** Absent for models that were not taught to converse. */
  readonly chatTemplates: ChatTemplates | undefined;
  /** Tokens that end an answer. */
  readonly stopTokens: readonly number[];
}

/**
 * Opens the folder of a language model: config.json, weights in safetensors form, tokenizer.json, and where they are
 * there tokenizer_config.json, generation_config.json and a chat template.
 * @throws CheckpointError naming the file and what is wrong with it, TensorAccountError when weights do not fit config.json
 */
export async function loadDecoder(folder: string): Promise<LoadedDecoder> {
  const checkpoint = await openCheckpoint(folder);
  try {
    const model = createDecoder(checkpoint.config, `${folder}/config.json`);
    const tokenizer = new CheckpointTokenizer(checkpoint.files, folder);
    const { vocabularySize, tied } = model.model.config;
    if (tokenizer.vocabularySize > vocabularySize)
      throw new CheckpointError(
        `${folder}: tokenizer.json knows ${tokenizer.vocabularySize} tokens, config.json only ${vocabularySize}`,
        'use the tokenizer that was saved with the model',
      );
    return {
      model,
      weights: locateWeights(checkpoint.weights, model.parameters(), decoderNames(tied)),
      tokenizer,
      chatTemplates: tokenizer.chatTemplates,
      stopTokens: stopTokens(checkpoint, tokenizer),
    };
  } finally {
    await checkpoint.weights.close();
  }
}

const endsSchema = z.looseObject({
  eos_token_id: z.union([z.int().min(0), z.array(z.int().min(0)).max(1000)]).nullish(),
});

/** From generation_config.json, or else config.json, or else the tokenizer's own end of text. */
function stopTokens(
  { folder, config, generationConfig }: Checkpoint,
  tokenizer: CheckpointTokenizer,
): readonly number[] {
  if (generationConfig !== undefined && generationConfig.eosIds.length > 0) return generationConfig.eosIds;
  const { eos_token_id: ends } = parseConfig(endsSchema, config, `${folder}/config.json`);
  if (typeof ends === 'number') return [ends];
  if (Array.isArray(ends) && ends.length > 0) return ends;
  return tokenizer.eosId === undefined ? [] : [tokenizer.eosId];
}
