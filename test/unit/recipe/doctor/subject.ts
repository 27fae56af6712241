/** A very small model of pictures and texts with its tokenizer and processor, whole or broken in some way. */
import { createModel, createProcessor } from '../../../../src/auto/index.ts';
import {
  CheckpointTokenizer,
  CONVERSATION_TEMPLATE,
  CONVERSATION_TOKENS,
  type Picture,
  picture,
  type Sample,
  type SamplePart,
  type SampleTurn,
  tokenizerConfig,
  trainByteLevelBpe,
} from '../../../../src/data/index.ts';
import type { SensoriumVL } from '../../../../src/models/index.ts';
import type { ConversationReader } from '../../../../src/recipe/conversations/encode.ts';
import { FeatureCounter } from '../../../../src/recipe/doctor/picture-features.ts';
import type { SampleLimits } from '../../../../src/recipe/doctor/sample-checks.ts';

const TEXTS = ['What is this? A red apple.', 'Zebra crossing. Really? Indeed.', '这是什么？红苹果'];

/** @param template Jinja  @param config further keys of tokenizer_config.json */
export function tokenizerWith(template: string | undefined, config: Record<string, unknown> = {}): CheckpointTokenizer {
  const tokenizer = trainByteLevelBpe([...TEXTS, ...TEXTS], { vocabSize: 300, specialTokens: CONVERSATION_TOKENS });
  return new CheckpointTokenizer({
    tokenizer,
    tokenizerConfig: { ...tokenizerConfig(), chat_template: template, ...config },
  });
}

export const tokenizer: CheckpointTokenizer = tokenizerWith(CONVERSATION_TEMPLATE);

const CONFIG = {
  model_type: 'sensorium_vl',
  image_token_id: tokenizer.id('<image>'),
  eos_token_id: tokenizer.id('<|end|>'),
  scale_factor: 2,
  connector_hidden_size: 8,
  projection_dim: 8,
  vision_config: {
    image_size: 32,
    stem_channels: [4],
    hidden_size: 8,
    intermediate_size: 8,
    num_hidden_layers: 1,
    num_attention_heads: 2,
  },
  text_config: {
    model_type: 'llama',
    vocab_size: tokenizer.vocabularySize,
    hidden_size: 8,
    intermediate_size: 8,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    num_key_value_heads: 2,
    max_position_embeddings: 64,
    rms_norm_eps: 1e-6,
    rope_theta: 10_000,
  },
};

export const model: SensoriumVL = createModel(CONFIG).model as SensoriumVL;

const FILES = {
  preprocessor: {
    do_resize: true,
    size: { height: 32, width: 32 },
    resample: 2,
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: [0.5, 0.5, 0.5],
    image_std: [0.5, 0.5, 0.5],
  },
};

export const reader: ConversationReader = { tokenizer, processor: createProcessor(CONFIG, FILES, tokenizer) };

export const limits: SampleLimits = {
  embeddings: tokenizer.vocabularySize,
  context: 64,
  length: 64,
  learned: 32,
  fitted: false,
  speaks: true,
  imageToken: model.imageToken,
  imageMarker: '<image>',
  features: new FeatureCounter(model),
};

export const text = (said: string): SamplePart => ({ type: 'text', text: said });
export const image = (number = 0): SamplePart => ({ type: 'image', picture: number });
export const turn = (role: SampleTurn['role'], ...content: SamplePart[]): SampleTurn => ({ role, content });

export function plain(width = 20, height = 16, shade = 100): Picture {
  return picture(width, height, 3, new Uint8Array(width * height * 3).fill(shade));
}

/** @param turns of its one conversation; a question about its picture and an answer by default */
export function sampleOf(turns?: readonly SampleTurn[], changes: Partial<Sample> = {}): Sample {
  return {
    id: 'sample 7',
    pictures: [{ name: 'red.png', open: () => plain() }],
    conversations: [turns ?? [turn('user', image(), text('What is this?')), turn('assistant', text('A red apple.'))]],
    ...changes,
  };
}
