/** A tiny model of pictures and texts with its tokenizer, and samples about pictures of noise. */
import { Random } from '../../../../src/core/index.ts';
import {
  CheckpointTokenizer,
  CONVERSATION_TOKENS,
  type JoinedTokens,
  joinedTokens,
  locationTokens,
  picture,
  type Sample,
  tokenizerConfig,
  trainByteLevelBpe,
} from '../../../../src/data/index.ts';
import {
  createSensoriumVLProcessor,
  LOCATIONS,
  parseSensoriumVLConfig,
  SensoriumVL,
  type SensoriumVLConfig,
} from '../../../../src/models/index.ts';
import type { ConversationReader } from '../../../../src/recipe/conversations/encode.ts';

const TEXTS = ['what is this?', 'a red apple', 'how many cats are there?', '三只猫', '这是什么？', 'where is the dog?'];

const file = trainByteLevelBpe([...TEXTS, ...TEXTS], {
  vocabSize: 380,
  specialTokens: CONVERSATION_TOKENS,
  addedTokens: locationTokens(LOCATIONS),
});
export const tokenizer: CheckpointTokenizer = new CheckpointTokenizer({
  tokenizer: file,
  tokenizerConfig: tokenizerConfig(),
});
export const joined: JoinedTokens = joinedTokens(file);

export const config: SensoriumVLConfig = parseSensoriumVLConfig({
  model_type: 'sensorium_vl',
  image_token_id: tokenizer.id('<image>'),
  eos_token_id: tokenizer.id('<|end|>'),
  scale_factor: 2,
  connector_hidden_size: 12,
  projection_dim: 6,
  vision_config: {
    image_size: 16,
    stem_channels: [8],
    hidden_size: 8,
    intermediate_size: 16,
    num_hidden_layers: 1,
    num_attention_heads: 2,
  },
  text_config: {
    model_type: 'llama',
    vocab_size: tokenizer.vocabularySize,
    hidden_size: 16,
    intermediate_size: 24,
    num_hidden_layers: 2,
    num_attention_heads: 2,
  },
});

export const model = (): SensoriumVL => new SensoriumVL(config);

export const reader: ConversationReader = {
  tokenizer,
  processor: createSensoriumVLProcessor({ preprocessor: { size: { height: 16, width: 16 } } }, tokenizer, config),
};

/** @param answers question and answer of each conversation */
export function sample(seed: number, answers: readonly (readonly [question: string, answer: string])[]): Sample {
  const random = new Random(seed);
  const shown = picture(
    16,
    16,
    3,
    Uint8Array.from({ length: 768 }, () => random.integer(256)),
  );
  return {
    id: `sample ${seed}`,
    pictures: [{ name: 'noise', open: () => shown }],
    conversations: answers.map(([question, answer]) => [
      {
        role: 'user',
        content: [
          { type: 'image', picture: 0 },
          { type: 'text', text: question },
        ],
      },
      { role: 'assistant', content: [{ type: 'text', text: answer }] },
    ]),
  };
}
