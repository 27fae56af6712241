// B tiles, P patches, S pixels of a side that are shuffled into one token, D width, V vocabulary
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostTensor, Random } from '../../src/core/index.ts';
import { reshape, type Tensor, transpose } from '../../src/graph/index.ts';
import { writeSafetensors } from '../../src/hub/node/index.ts';
import { CausalLM, type DecoderConfig } from '../../src/models/common/decoder.ts';
import { SiglipVisionModel } from '../../src/models/common/siglip-vision.ts';
import { Linear, Module } from '../../src/nn/index.ts';

/** The sizes of SmolVLM-256M (Marafioti et al. 2025, arXiv 2504.05299). */
export const TEXT: DecoderConfig = {
  vocabularySize: 49_280,
  width: 576,
  layers: 30,
  heads: 9,
  keyValueHeads: 3,
  headWidth: 64,
  hidden: 1536,
  normEpsilon: 1e-5,
  rotary: { base: 100_000 },
  maxLength: 8192,
  tied: true,
};

export const VISION = {
  width: 768,
  layers: 12,
  heads: 12,
  hidden: 3072,
  activation: 'gelu_tanh',
  normEpsilon: 1e-6,
  imageSize: 512,
  patchSize: 16,
  channels: 3,
  head: false,
} as const;

/** Each side of a square of patches that become one token. */
const SHUFFLE = 4;

class Connector extends Module {
  readonly modality_projection: Projection;

  constructor() {
    super();
    this.modality_projection = new Projection();
  }

  /** @param x [B, P, D]  @returns [B, P / S², D of the text] */
  forward(x: Tensor): Tensor {
    const side = VISION.imageSize / VISION.patchSize;
    const [small, wide] = [side / SHUFFLE, VISION.width * SHUFFLE ** 2];
    const squares = reshape(x, [-1, small, SHUFFLE, small, SHUFFLE * VISION.width]);
    const joined = reshape(transpose(squares, [0, 1, 3, 2, 4]), [-1, small * small, wide]);
    return this.modality_projection.proj.forward(joined);
  }
}

class Projection extends Module {
  readonly proj: Linear;

  constructor() {
    super();
    this.proj = new Linear(VISION.width * SHUFFLE ** 2, TEXT.width, { bias: false });
  }
}

/** From pixels to features that take the place of image tokens. */
export class PictureEncoder extends Module {
  readonly vision_model: SiglipVisionModel;
  readonly connector: Connector;

  constructor() {
    super();
    this.vision_model = new SiglipVisionModel(VISION);
    this.connector = new Connector();
  }

  /** @param pixels [B, 3, 512, 512]  @returns [B, 64, D of the text] */
  forward(pixels: Tensor): Tensor {
    return this.connector.forward(this.vision_model.encode(pixels));
  }
}

/** Both halves, and the key in a checkpoint of each parameter. */
export function smolVlm(): { encoder: PictureEncoder; text: CausalLM } {
  return { encoder: new PictureEncoder(), text: new CausalLM(TEXT) };
}

export function encoderKey(path: string): string {
  return `model.${path}`;
}

export function textKey(path: string): string {
  return path.replace(/^model\./, 'model.text_model.');
}

/** Bytes of weights that a token reads: all of the decoder, whose embeddings are its output layer. */
export const TEXT_BYTES: number =
  4 *
  [...new CausalLM(TEXT).parameters().values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);

/** A folder with random weights, spread as those of models are, which both this project and `transformers` open. */
export async function writeRandomCheckpoint(folder: string): Promise<void> {
  const { encoder, text } = smolVlm();
  const random = new Random(7);
  const parameters = [
    ...[...encoder.parameters()].map(([path, parameter]) => [encoderKey(path), parameter] as const),
    ...[...text.parameters()].map(([path, parameter]) => [textKey(path), parameter] as const),
  ];
  const sources = parameters.map(([name, { shape }]) => ({
    name,
    dtype: 'float32' as const,
    shape,
    read: () => {
      const tensor = hostTensor('float32', shape);
      const centre = /norm.*weight$/.test(name) ? 1 : 0;
      const stream = random.fork(name);
      for (let i = 0; i < tensor.data.length; i++) tensor.data[i] = centre + stream.uniform(-0.05, 0.05);
      return tensor;
    },
  }));
  await mkdir(folder, { recursive: true });
  await writeSafetensors(join(folder, 'model.safetensors'), sources);
  await writeFile(join(folder, 'config.json'), `${JSON.stringify(CONFIG, null, 2)}\n`);
}

/** What `transformers` reads. */
const CONFIG = {
  architectures: ['SmolVLMForConditionalGeneration'],
  model_type: 'smolvlm',
  image_token_id: 49_190,
  scale_factor: SHUFFLE,
  tie_word_embeddings: true,
  pad_token_id: 2,
  vision_config: {
    model_type: 'smolvlm_vision',
    hidden_size: VISION.width,
    intermediate_size: VISION.hidden,
    num_hidden_layers: VISION.layers,
    num_attention_heads: VISION.heads,
    image_size: VISION.imageSize,
    patch_size: VISION.patchSize,
    hidden_act: 'gelu_pytorch_tanh',
    layer_norm_eps: VISION.normEpsilon,
  },
  text_config: {
    model_type: 'llama',
    vocab_size: TEXT.vocabularySize,
    hidden_size: TEXT.width,
    intermediate_size: TEXT.hidden,
    num_hidden_layers: TEXT.layers,
    num_attention_heads: TEXT.heads,
    num_key_value_heads: TEXT.keyValueHeads,
    head_dim: TEXT.headWidth,
    hidden_act: 'silu',
    rms_norm_eps: TEXT.normEpsilon,
    rope_theta: TEXT.rotary.base,
    max_position_embeddings: TEXT.maxLength,
    tie_word_embeddings: true,
    pad_token_id: 2,
  },
};
