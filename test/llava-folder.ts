import { createModel, readingModel } from '../src/auto/index.ts';
import { Random } from '../src/core/index.ts';
import { CheckpointTokenizer, CONVERSATION_TOKENS, tokenizerConfig, trainByteLevelBpe } from '../src/data/index.ts';
import { saveCheckpoint, tensorSources } from '../src/hub/node/index.ts';

/** A small random LLaVA that can be asked and taught, in a folder. */
export async function llavaFolder(folder: string): Promise<string> {
  const texts = ['What is this? a dark square', 'What does the picture show? a bright square', '这是什么？'];
  const tokenizer = trainByteLevelBpe([...texts, ...texts], { vocabSize: 330, specialTokens: CONVERSATION_TOKENS });
  const settings = tokenizerConfig();
  const made = new CheckpointTokenizer({ tokenizer, tokenizerConfig: settings }, folder);
  const config = {
    model_type: 'llava',
    architectures: ['LlavaForConditionalGeneration'],
    image_token_index: made.id('<image>')!,
    projector_hidden_act: 'gelu',
    multimodal_projector_bias: true,
    vision_feature_layer: -2,
    vision_feature_select_strategy: 'default',
    text_config: {
      model_type: 'llama',
      hidden_size: 32,
      intermediate_size: 48,
      num_hidden_layers: 2,
      num_attention_heads: 2,
      num_key_value_heads: 2,
      max_position_embeddings: 256,
      rms_norm_eps: 1e-5,
      vocab_size: made.vocabularySize,
    },
    vision_config: {
      model_type: 'clip_vision_model',
      hidden_size: 32,
      intermediate_size: 48,
      num_hidden_layers: 2,
      num_attention_heads: 2,
      image_size: 16,
      patch_size: 4,
      projection_dim: 16,
    },
  };
  const { model } = readingModel(createModel(config), 'the model');
  await saveCheckpoint(folder, {
    config,
    tensors: tensorSources(Object.entries(model.initialize(new Random(3)))),
    files: {
      'tokenizer.json': JSON.parse(JSON.stringify(tokenizer)),
      'tokenizer_config.json': JSON.parse(JSON.stringify(settings)),
      'generation_config.json': { eos_token_id: made.id('<|end|>')! },
      'preprocessor_config.json': {
        do_resize: true,
        size: { shortest_edge: 16 },
        do_center_crop: true,
        crop_size: { height: 16, width: 16 },
        resample: 3,
        do_rescale: true,
        rescale_factor: 1 / 255,
        do_normalize: true,
        image_mean: [0.5, 0.5, 0.5],
        image_std: [0.5, 0.5, 0.5],
      },
      'processor_config.json': {
        patch_size: 4,
        vision_feature_select_strategy: 'default',
        num_additional_image_tokens: 1,
        image_token: '<image>',
      },
    },
  });
  return folder;
}
