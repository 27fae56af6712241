import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CheckpointError } from '../../core/index.ts';
import { ChatTemplate, TextTokenizer } from '../../data/index.ts';
import { parseConfig } from '../../hub/index.ts';
import {
  type LocatedWeights,
  locateWeights,
  openModelFolder,
  readJsonObject,
  readTextFile,
} from '../../hub/node/index.ts';
import { type CausalLM, decoderNames } from '../../models/index.ts';
import { createDecoder } from '../decoders.ts';

/** A language model as its folder describes it; weights stay in their files until it runs. */
export interface LoadedDecoder {
  readonly model: CausalLM;
  readonly weights: LocatedWeights;
  readonly tokenizer: TextTokenizer;
  /** Absent for models that were not taught to converse. */
  readonly chatTemplate: ChatTemplate | undefined;
  /** Tokens that end an answer. */
  readonly stopTokens: readonly number[];
}

const MAX_TEMPLATE_BYTES = 1024 * 1024;

/** A special token: its text, or an object that holds it. */
const specialToken = z
  .union([z.string(), z.looseObject({ content: z.string() })])
  .nullish()
  .transform((token) => (typeof token === 'object' ? token?.content : token));
const tokenizerConfigSchema = z.looseObject({
  bos_token: specialToken,
  eos_token: specialToken,
  unk_token: specialToken,
  pad_token: specialToken,
  chat_template: z.unknown().optional(),
});
type TokenizerConfig = z.infer<typeof tokenizerConfigSchema>;

const endsSchema = z.looseObject({
  eos_token_id: z.union([z.int().min(0), z.array(z.int().min(0)).max(1000)]).nullish(),
});

/**
 * Opens the folder of a language model: config.json, weights in safetensors form, tokenizer.json, and where they are
 * there tokenizer_config.json, generation_config.json and a chat template.
 * @throws CheckpointError naming the file and what is wrong with it, TensorAccountError when weights do not fit config.json
 */
export async function loadDecoder(folder: string): Promise<LoadedDecoder> {
  const files = await openModelFolder(folder);
  try {
    const file = (name: string): string => join(folder, name);
    const model = createDecoder(files.config, file('config.json'));
    if (files.tokenizer === undefined)
      throw new CheckpointError(`${folder}: no tokenizer.json`, 'fetch the whole checkpoint, tokenizer included');
    const tokenizer = new TextTokenizer(files.tokenizer, file('tokenizer.json'));
    const { vocabularySize, tied } = model.model.config;
    if (tokenizer.vocabSize > vocabularySize)
      throw new CheckpointError(
        `${folder}: tokenizer.json knows ${tokenizer.vocabSize} tokens, config.json only ${vocabularySize}`,
        'use the tokenizer that was saved with the model',
      );
    const settings = parseConfig(tokenizerConfigSchema, files.tokenizerConfig ?? {}, file('tokenizer_config.json'));
    return {
      model,
      weights: locateWeights(files.weights, model.parameters(), decoderNames(tied)),
      tokenizer,
      chatTemplate: await readChatTemplate(folder, settings),
      stopTokens: stopTokens(
        [
          [files.generation ?? {}, file('generation_config.json')],
          [files.config, file('config.json')],
        ],
        tokenizer,
        settings,
      ),
    };
  } finally {
    await files.weights.close();
  }
}

/** From a file of its own, as newer checkpoints have it, or from tokenizer_config.json. */
async function readChatTemplate(folder: string, settings: TokenizerConfig): Promise<ChatTemplate | undefined> {
  const { bos_token, eos_token, unk_token, pad_token } = settings;
  const tokens = Object.fromEntries(
    Object.entries({ bos_token, eos_token, unk_token, pad_token }).filter(([, token]) => typeof token === 'string'),
  ) as Record<string, string>;
  const jinja = join(folder, 'chat_template.jinja');
  if (existsSync(jinja)) return new ChatTemplate(await readTextFile(jinja, MAX_TEMPLATE_BYTES), tokens, jinja);
  const json = join(folder, 'chat_template.json');
  if (existsSync(json)) {
    const { chat_template: source } = await readJsonObject(json, MAX_TEMPLATE_BYTES);
    return new ChatTemplate(source, tokens, json);
  }
  const { chat_template: source } = settings;
  if (source === undefined || source === null) return undefined;
  return new ChatTemplate(source, tokens, join(folder, 'tokenizer_config.json'));
}

/** From the first of the files that names any, or else the tokenizer's own end of text. */
function stopTokens(
  files: readonly (readonly [json: unknown, name: string])[],
  tokenizer: TextTokenizer,
  settings: TokenizerConfig,
): number[] {
  for (const [json, name] of files) {
    const { eos_token_id: ends } = parseConfig(endsSchema, json, name);
    if (typeof ends === 'number') return [ends];
    if (Array.isArray(ends) && ends.length > 0) return ends;
  }
  const end = typeof settings.eos_token === 'string' ? tokenizer.id(settings.eos_token) : undefined;
  return end === undefined ? [] : [end];
}
