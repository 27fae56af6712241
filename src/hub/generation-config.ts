/** `generation_config.json`: how the authors of a model want it to write. */
import { z } from 'zod';
import { parseConfig } from './parse.ts';

/** What a checkpoint says about generation; what it does not say is undefined. */
export interface GenerationConfig {
  readonly bosId: number | undefined;
  /** Ids that end a text; empty where none is named. */
  readonly eosIds: readonly number[];
  readonly padId: number | undefined;
  readonly sample: boolean | undefined;
  readonly temperature: number | undefined;
  readonly topK: number | undefined;
  readonly topP: number | undefined;
  readonly minP: number | undefined;
  readonly repetitionPenalty: number | undefined;
  /** Tokens of prompt and answer together. */
  readonly maxLength: number | undefined;
  readonly maxNewTokens: number | undefined;
}

const id = z.int().min(0);
const share = z.number().min(0).max(1);

// Other keys (there are about 70, and more with every release) are for other engines and are let through.
const schema = z.looseObject({
  bos_token_id: id.nullish(),
  eos_token_id: z.union([id, z.array(id).max(1000)]).nullish(),
  pad_token_id: z.int().nullish(),
  do_sample: z.boolean().nullish(),
  temperature: z.number().min(0).nullish(),
  top_k: z.int().min(0).nullish(),
  top_p: share.nullish(),
  min_p: share.nullish(),
  repetition_penalty: z.number().positive().nullish(),
  max_length: z.int().min(0).nullish(),
  max_new_tokens: z.int().min(0).nullish(),
});

/** @param json contents of the file  @param file its name, for messages  @throws CheckpointError */
export function parseGenerationConfig(json: unknown, file = 'generation_config.json'): GenerationConfig {
  const keys = parseConfig(schema, json, file);
  const eos = keys.eos_token_id ?? [];
  // Some files write -1 for "none".
  const padId = keys.pad_token_id ?? -1;
  return {
    bosId: keys.bos_token_id ?? undefined,
    eosIds: typeof eos === 'number' ? [eos] : eos,
    padId: padId < 0 ? undefined : padId,
    sample: keys.do_sample ?? undefined,
    temperature: keys.temperature ?? undefined,
    topK: keys.top_k ?? undefined,
    topP: keys.top_p ?? undefined,
    minP: keys.min_p ?? undefined,
    repetitionPenalty: keys.repetition_penalty ?? undefined,
    maxLength: keys.max_length ?? undefined,
    maxNewTokens: keys.max_new_tokens ?? undefined,
  };
}
