import { z } from 'zod';
import { CheckpointError } from '../../core/index.ts';
import { parseConfig } from '../../hub/index.ts';
import type { Activation } from '../../nn/index.ts';
import { activation, epsilon, HEADS_MISFIT, headsFit, layerCount, probability, size } from '../common/config-fields.ts';

/** What a {@link Bert} is built from. */
export interface BertConfig {
  readonly vocabularySize: number;
  /** Longest text in tokens. */
  readonly maxLength: number;
  /** Kinds of tokens: those of a first and of a second sentence, as a rule. */
  readonly tokenTypes: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Width of the feed-forward part. */
  readonly hidden: number;
  readonly activation: Activation;
  readonly normEpsilon: number;
  /** While training; attention maps are not dropped from. */
  readonly dropout: number;
  /** Whether the output weights of the masked-language head are the embedding. */
  readonly tied: boolean;
}

const schema = z
  .object({
    model_type: z.literal('bert').optional(),
    vocab_size: size.default(30_522),
    hidden_size: size.default(768),
    num_hidden_layers: layerCount.default(12),
    num_attention_heads: size.default(12),
    intermediate_size: size.default(3072),
    hidden_act: activation.default('gelu'),
    hidden_dropout_prob: probability.default(0.1),
    max_position_embeddings: size.default(512),
    type_vocab_size: size.default(2),
    layer_norm_eps: epsilon.default(1e-12),
    position_embedding_type: z.literal('absolute').nullish(),
    is_decoder: z.boolean().default(false),
    add_cross_attention: z.boolean().default(false),
    tie_word_embeddings: z.boolean().default(true),
  })
  .refine(headsFit, HEADS_MISFIT);

/** @param json contents of `config.json`  @param file its name, for messages  @throws CheckpointError */
export function parseBertConfig(json: unknown, file = 'config.json'): BertConfig {
  const keys = parseConfig(schema, json, file);
  if (keys.is_decoder || keys.add_cross_attention) {
    throw new CheckpointError(`${file}: BERT as a decoder is not supported`, 'use a checkpoint of an encoder');
  }
  return {
    vocabularySize: keys.vocab_size,
    maxLength: keys.max_position_embeddings,
    tokenTypes: keys.type_vocab_size,
    width: keys.hidden_size,
    layers: keys.num_hidden_layers,
    heads: keys.num_attention_heads,
    hidden: keys.intermediate_size,
    activation: keys.hidden_act,
    normEpsilon: keys.layer_norm_eps,
    dropout: keys.hidden_dropout_prob,
    tied: keys.tie_word_embeddings,
  };
}
