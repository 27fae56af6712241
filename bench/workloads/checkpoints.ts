/** Checkpoints of real sizes: what published ones of these names say in their config.json and beside it. Weights are random. */
import type { JsonObject } from '../../src/hub/node/index.ts';

/** What a checkpoint's folder holds besides its weights. */
export interface CheckpointShape {
  readonly config: JsonObject;
  readonly files: Readonly<Record<string, JsonObject | string>>;
  /** Tokens that have a meaning of their own, by id. */
  readonly specialTokens: Readonly<Record<number, string>>;
  readonly endOfText: string;
  readonly maxShardBytes: number;
}

const SMOL_TEXT = {
  model_type: 'llama',
  vocab_size: 49_280,
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 30,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  head_dim: 64,
  hidden_act: 'silu',
  max_position_embeddings: 8192,
  rms_norm_eps: 1e-5,
  rope_theta: 100_000,
  attention_bias: false,
  mlp_bias: false,
  tie_word_embeddings: false,
  bos_token_id: 1,
  eos_token_id: 49_279,
  pad_token_id: 2,
};

const SMOL_TOKENS = { 0: '<|endoftext|>', 1: '<|im_start|>', 2: '<|im_end|>', 49_279: '<end_of_utterance>' };
const SMOL_PICTURE_TOKENS: Record<number, string> = {
  49_189: '<fake_token_around_image>',
  49_190: '<image>',
  49_152: '<global-img>',
};
for (let row = 1; row <= 6; row++)
  for (let column = 1; column <= 6; column++)
    SMOL_PICTURE_TOKENS[49_153 + (row - 1) * 6 + column - 1] = `<row_${row}_col_${column}>`;

const SMOL_TEMPLATE =
  "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}" +
  "{% if message['content'] is string %}{{ ': ' + message['content'] }}{% else %}" +
  "{% if message['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}{{ ': ' }}{% endif %}" +
  "{% for line in message['content'] %}{% if line['type'] == 'text' %}{{ line['text'] }}" +
  "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}{% endif %}" +
  "{{ '<end_of_utterance>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}";

const QWEN_TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' }}" +
  "{% if message['content'] is string %}{{ message['content'] }}{% else %}" +
  "{% for line in message['content'] %}{% if line['type'] == 'image' %}{{ '<|vision_start|><|image_pad|><|vision_end|>' }}" +
  "{% else %}{{ line['text'] }}{% endif %}{% endfor %}{% endif %}{{ '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

const HALVES = { image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] };

const TINY = {
  vocab_size: 300,
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  hidden_act: 'silu',
  max_position_embeddings: 128,
  rms_norm_eps: 1e-6,
  rope_theta: 10_000,
};
const TINY_PARTS = { files: {}, specialTokens: { 0: '<end>' }, endOfText: '<end>', maxShardBytes: 1e9 };

export const CHECKPOINTS: Readonly<Record<string, CheckpointShape>> = {
  'tiny-llama': {
    config: { architectures: ['LlamaForCausalLM'], model_type: 'llama', ...TINY, tie_word_embeddings: true },
    ...TINY_PARTS,
  },
  'tiny-qwen2': {
    config: { architectures: ['Qwen2ForCausalLM'], model_type: 'qwen2', ...TINY, tie_word_embeddings: false },
    ...TINY_PARTS,
  },

  /** The language model of SmolVLM-256M by itself. */
  'smolvlm-256m-text': {
    config: { architectures: ['LlamaForCausalLM'], ...SMOL_TEXT },
    files: {
      'chat_template.jinja': SMOL_TEMPLATE,
      'generation_config.json': { bos_token_id: 1, eos_token_id: 49_279 },
    },
    specialTokens: SMOL_TOKENS,
    endOfText: '<end_of_utterance>',
    maxShardBytes: 5e9,
  },

  /** HuggingFaceTB/SmolVLM-256M-Instruct. */
  'smolvlm-256m': {
    config: {
      architectures: ['Idefics3ForConditionalGeneration'],
      model_type: 'idefics3',
      image_token_id: 49_190,
      scale_factor: 4,
      tie_word_embeddings: false,
      vocab_size: 49_280,
      pad_token_id: 128_002,
      text_config: SMOL_TEXT,
      vision_config: {
        model_type: 'idefics3_vision',
        hidden_size: 768,
        intermediate_size: 3072,
        num_hidden_layers: 12,
        num_attention_heads: 12,
        image_size: 512,
        patch_size: 16,
        num_channels: 3,
        hidden_act: 'gelu_pytorch_tanh',
        layer_norm_eps: 1e-6,
        attention_dropout: 0,
      },
    },
    files: {
      'chat_template.jinja': SMOL_TEMPLATE,
      'generation_config.json': { bos_token_id: 1, eos_token_id: 49_279, pad_token_id: 2 },
      'preprocessor_config.json': {
        image_processor_type: 'Idefics3ImageProcessor',
        do_convert_rgb: true,
        do_image_splitting: true,
        do_normalize: true,
        do_pad: true,
        do_rescale: true,
        do_resize: true,
        ...HALVES,
        max_image_size: { longest_edge: 512 },
        resample: 1,
        rescale_factor: 1 / 255,
        size: { longest_edge: 2048 },
        processor_class: 'Idefics3Processor',
      },
      'processor_config.json': { image_seq_len: 64, processor_class: 'Idefics3Processor' },
    },
    specialTokens: { ...SMOL_TOKENS, ...SMOL_PICTURE_TOKENS },
    endOfText: '<end_of_utterance>',
    maxShardBytes: 5e9,
  },

  /** Qwen/Qwen2.5-VL-3B-Instruct. */
  'qwen2.5-vl-3b': {
    config: {
      architectures: ['Qwen2_5_VLForConditionalGeneration'],
      model_type: 'qwen2_5_vl',
      vocab_size: 151_936,
      hidden_size: 2048,
      intermediate_size: 11_008,
      num_hidden_layers: 36,
      num_attention_heads: 16,
      num_key_value_heads: 2,
      hidden_act: 'silu',
      max_position_embeddings: 128_000,
      rms_norm_eps: 1e-6,
      rope_theta: 1_000_000,
      rope_scaling: { type: 'mrope', mrope_section: [16, 24, 24] },
      tie_word_embeddings: true,
      use_sliding_window: false,
      sliding_window: 32_768,
      max_window_layers: 70,
      attention_dropout: 0,
      bos_token_id: 151_643,
      eos_token_id: 151_645,
      vision_start_token_id: 151_652,
      vision_end_token_id: 151_653,
      vision_token_id: 151_654,
      image_token_id: 151_655,
      video_token_id: 151_656,
      vision_config: {
        model_type: 'qwen2_5_vl',
        depth: 32,
        hidden_act: 'silu',
        hidden_size: 1280,
        intermediate_size: 3420,
        num_heads: 16,
        in_chans: 3,
        in_channels: 3,
        out_hidden_size: 2048,
        patch_size: 14,
        spatial_merge_size: 2,
        spatial_patch_size: 14,
        window_size: 112,
        fullatt_block_indexes: [7, 15, 23, 31],
        tokens_per_second: 2,
        temporal_patch_size: 2,
      },
    },
    files: {
      'chat_template.jinja': QWEN_TEMPLATE,
      'generation_config.json': { bos_token_id: 151_643, eos_token_id: [151_645, 151_643], pad_token_id: 151_643 },
      'preprocessor_config.json': {
        image_processor_type: 'Qwen2VLImageProcessor',
        processor_class: 'Qwen2_5_VLProcessor',
        min_pixels: 3136,
        max_pixels: 12_845_056,
        patch_size: 14,
        temporal_patch_size: 2,
        merge_size: 2,
        image_mean: [0.48145466, 0.4578275, 0.40821073],
        image_std: [0.26862954, 0.26130258, 0.27577711],
      },
    },
    specialTokens: {
      151_643: '<|endoftext|>',
      151_644: '<|im_start|>',
      151_645: '<|im_end|>',
      151_646: '<|object_ref_start|>',
      151_647: '<|object_ref_end|>',
      151_648: '<|box_start|>',
      151_649: '<|box_end|>',
      151_650: '<|quad_start|>',
      151_651: '<|quad_end|>',
      151_652: '<|vision_start|>',
      151_653: '<|vision_end|>',
      151_654: '<|vision_pad|>',
      151_655: '<|image_pad|>',
      151_656: '<|video_pad|>',
    },
    endOfText: '<|im_end|>',
    maxShardBytes: 4e9,
  },
};
