// Layers of known architectures, put together from this library's parts with the parameter names of their checkpoints.
import {
  add,
  crossEntropy,
  gelu,
  linear,
  maxPool2d,
  reduceMean,
  relu,
  silu,
  type Tensor,
} from '../../src/graph/index.ts';
import {
  attend,
  causalMask,
  Conv2d,
  Embedding,
  GatedMlp,
  GroupedQueryAttention,
  GroupNorm,
  LayerNorm,
  Linear,
  mergeHeads,
  Module,
  paddingMask,
  RMSNorm,
  rotaryTables,
  splitHeads,
} from '../../src/nn/index.ts';

class BertSelfAttention extends Module {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;

  constructor(width: number) {
    super();
    this.query = new Linear(width, width);
    this.key = new Linear(width, width);
    this.value = new Linear(width, width);
  }
}

class BertOutput extends Module {
  readonly dense: Linear;
  readonly LayerNorm: LayerNorm;

  constructor(inputs: number, width: number, epsilon: number) {
    super();
    this.dense = new Linear(inputs, width);
    this.LayerNorm = new LayerNorm(width, epsilon);
  }

  forward(x: Tensor, before: Tensor): Tensor {
    return this.LayerNorm.forward(add(this.dense.forward(x), before));
  }
}

class BertAttention extends Module {
  readonly self: BertSelfAttention;
  readonly output: BertOutput;

  constructor(width: number, epsilon: number) {
    super();
    this.self = new BertSelfAttention(width);
    this.output = new BertOutput(width, width, epsilon);
  }
}

class BertIntermediate extends Module {
  readonly dense: Linear;

  constructor(width: number, hidden: number) {
    super();
    this.dense = new Linear(width, hidden);
  }
}

/** Encoder layer that normalises after adding (Devlin et al. 2019, arXiv 1810.04805). */
export class BertLayer extends Module {
  readonly attention: BertAttention;
  readonly intermediate: BertIntermediate;
  readonly output: BertOutput;
  readonly #heads: number;

  constructor({ width, heads, hidden, epsilon }: { width: number; heads: number; hidden: number; epsilon: number }) {
    super();
    this.attention = new BertAttention(width, epsilon);
    this.intermediate = new BertIntermediate(width, hidden);
    this.output = new BertOutput(hidden, width, epsilon);
    this.#heads = heads;
  }

  forward(x: Tensor, keep: Tensor): Tensor {
    const { self, output } = this.attention;
    const heads = (layer: Linear): Tensor => splitHeads(layer.forward(x), this.#heads);
    const attended = mergeHeads(attend(heads(self.query), heads(self.key), heads(self.value), paddingMask(keep)));
    const state = output.forward(attended, x);
    return this.output.forward(gelu(this.intermediate.dense.forward(state)), state);
  }
}

interface LlamaSizes {
  readonly width: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly hidden: number;
  readonly base: number;
  readonly epsilon: number;
}

export class LlamaLayer extends Module {
  readonly input_layernorm: RMSNorm;
  readonly self_attn: GroupedQueryAttention;
  readonly post_attention_layernorm: RMSNorm;
  readonly mlp: GatedMlp;
  readonly #sizes: LlamaSizes;

  constructor(sizes: LlamaSizes) {
    super();
    this.input_layernorm = new RMSNorm(sizes.width, sizes.epsilon);
    this.self_attn = new GroupedQueryAttention(sizes);
    this.post_attention_layernorm = new RMSNorm(sizes.width, sizes.epsilon);
    this.mlp = new GatedMlp(sizes.width, sizes.hidden);
    this.#sizes = sizes;
  }

  forward(x: Tensor): Tensor {
    const length = x.shape[1] as number;
    const { width, heads, base } = this.#sizes;
    const rotary = rotaryTables(length, width / heads, base);
    const state = add(x, this.self_attn.forward(this.input_layernorm.forward(x), rotary, causalMask(length)));
    return add(state, this.mlp.forward(this.post_attention_layernorm.forward(state)));
  }
}

class LlamaModel extends Module {
  readonly embed_tokens: Embedding;
  readonly layers: readonly LlamaLayer[];
  readonly norm: RMSNorm;

  constructor(sizes: LlamaSizes & { vocabularySize: number; layers: number }) {
    super();
    this.embed_tokens = new Embedding(sizes.vocabularySize, sizes.width);
    this.layers = Array.from({ length: sizes.layers }, () => new LlamaLayer(sizes));
    this.norm = new RMSNorm(sizes.width, sizes.epsilon);
  }
}

/** A language model whose output weights are its embedding. */
export class TiedLlama extends Module {
  readonly model: LlamaModel;

  constructor(sizes: LlamaSizes & { vocabularySize: number; layers: number }) {
    super();
    this.model = new LlamaModel(sizes);
  }

  forward(ids: Tensor, labels: Tensor): Tensor {
    const { embed_tokens, layers, norm } = this.model;
    const state = layers.reduce((x, layer) => layer.forward(x), embed_tokens.forward(ids));
    return crossEntropy(linear(norm.forward(state), embed_tokens.weight.tensor), labels);
  }
}

/** The small convolutional classifier of make/layers.py. */
export class Cnn extends Module {
  readonly conv1: Conv2d;
  readonly norm1: GroupNorm;
  readonly conv2: Conv2d;
  readonly conv3: Conv2d;
  readonly head: Linear;

  constructor() {
    super();
    this.conv1 = new Conv2d(3, 4, 3, { padding: 1 });
    this.norm1 = new GroupNorm(2, 4);
    this.conv2 = new Conv2d(4, 4, 3, { stride: 2, padding: 1, groups: 4, bias: false });
    this.conv3 = new Conv2d(4, 6, 1);
    this.head = new Linear(6, 3);
  }

  forward(pixels: Tensor, labels: Tensor): Tensor {
    const x = maxPool2d(relu(this.norm1.forward(this.conv1.forward(pixels))), 2);
    return crossEntropy(this.head.forward(reduceMean(silu(this.conv3.forward(this.conv2.forward(x))), [2, 3])), labels);
  }
}
