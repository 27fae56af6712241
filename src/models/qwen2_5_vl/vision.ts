// P patches, M features (P / merge²), D width, E width of the language model, N heads, K width of a head,
// W windows, L most patches in a window
import {
  add,
  type Dim,
  fusedAttention,
  gather,
  gelu,
  linear,
  multiplyDims,
  reshape,
  slice,
  tap,
  type Tensor,
  unsqueeze,
} from '../../graph/index.ts';
import {
  applyRotary,
  attend,
  GatedMlp,
  initializers,
  Linear,
  mergeHeads,
  Module,
  paddingMask,
  Parameter,
  RMSNorm,
  type Rotary,
  splitHeads,
} from '../../nn/index.ts';
import type { Qwen25VisionConfig } from './config.ts';

/** ε of the tower's norms, which is not in its configuration. */
const NORM_EPSILON = 1e-6;

/** Symbolic inputs of the tower, for one picture; `windows.ts` says what all but the first hold. */
export interface PatchInputs {
  /** [P, C·frames·patch²], feature by feature */
  readonly pixel_values: Tensor;
  /** [P, K], in the order of windows */
  readonly cosines: Tensor;
  readonly sines: Tensor;
  /** [M] int64 */
  readonly order: Tensor;
  readonly inverse: Tensor;
  /** [W, L] int64 */
  readonly windows: Tensor;
  /** [W, L] */
  readonly window_mask: Tensor;
  /** [P] int64 */
  readonly places: Tensor;
}

/** What attention needs to stay within windows. */
interface Windows {
  readonly rows: Tensor;
  readonly places: Tensor;
  /** [W, 1, L, K] each */
  readonly rotary: Rotary;
  /** [W, 1, 1, L], added to scores */
  readonly mask: Tensor;
}

class PatchKernel extends Module {
  readonly weight: Parameter;

  constructor(shape: readonly number[]) {
    super();
    this.weight = new Parameter(shape, initializers.normal(0.02));
  }
}

/** All numbers of a patch by one product; in checkpoints the weight has the shape of the convolution that it is. */
class PatchEmbedding extends Module {
  readonly proj: PatchKernel;
  readonly #inputs: number;

  constructor({ width, channels, frames, patchSize }: Qwen25VisionConfig) {
    super();
    this.proj = new PatchKernel([width, channels, frames, patchSize, patchSize]);
    this.#inputs = channels * frames * patchSize ** 2;
  }

  /** @param pixels [P, C·frames·patch²]  @returns [P, D] */
  forward(pixels: Tensor): Tensor {
    const { tensor, shape } = this.proj.weight;
    return linear(pixels, reshape(tensor, [shape[0]!, this.#inputs]));
  }
}

/** Heads that see all patches, or those of their own window. Attention maps of windows are named `weights`. */
class VisionAttention extends Module {
  readonly qkv: Linear;
  readonly proj: Linear;
  readonly #heads: number;

  constructor({ width, heads }: Qwen25VisionConfig) {
    super();
    this.qkv = new Linear(width, 3 * width);
    this.proj = new Linear(width, width);
    this.#heads = heads;
  }

  /** @param x [P, D]  @param rotary [P, K] each  @returns [P, D] */
  forward(x: Tensor, rotary: Rotary, windows?: Windows): Tensor {
    const joint = this.qkv.forward(x);
    return this.proj.forward(windows === undefined ? this.#amongAll(joint, rotary) : this.#within(joint, windows));
  }

  /** Every patch sees every other, for which the pairs of a large picture are too many to be held. @returns [P, D] */
  #amongAll(joint: Tensor, { cosines, sines }: Rotary): Tensor {
    const heads = this.#heads;
    const [patches, width] = [joint.shape[0]!, (joint.shape[1] as number) / 3];
    const perHead = { cosines: unsqueeze(cosines, 1), sines: unsqueeze(sines, 1) };
    const split = reshape(joint, [patches, 3 * heads, width / heads]);
    const [q, k, v] = [0, 1, 2].map((part) => slice(split, 1, part * heads, (part + 1) * heads));
    const row = (part: Tensor): Tensor => reshape(part, [1, patches, width]);
    const attended = fusedAttention(row(applyRotary(q!, perHead)), row(applyRotary(k!, perHead)), row(v!), heads);
    return reshape(attended, [patches, width]);
  }

  /** Patches see those of their own window. @returns [P, D] */
  #within(joint: Tensor, { rows, rotary, mask, places }: Windows): Tensor {
    const heads = this.#heads;
    const split = splitHeads(gather(joint, rows), 3 * heads);
    const [q, k, v] = [0, 1, 2].map((part) => slice(split, 1, part * heads, (part + 1) * heads));
    const attended = mergeHeads(attend(applyRotary(q!, rotary), applyRotary(k!, rotary), v!, mask));
    return gather(reshape(attended, [-1, attended.shape[2]!]), places);
  }
}

class VisionBlock extends Module {
  readonly norm1: RMSNorm;
  readonly norm2: RMSNorm;
  readonly attn: VisionAttention;
  readonly mlp: GatedMlp;

  constructor(config: Qwen25VisionConfig) {
    super();
    this.norm1 = new RMSNorm(config.width, NORM_EPSILON);
    this.norm2 = new RMSNorm(config.width, NORM_EPSILON);
    this.attn = new VisionAttention(config);
    this.mlp = new GatedMlp(config.width, config.hidden, { bias: true });
  }

  /** @param x [P, D]  @returns [P, D] */
  forward(x: Tensor, rotary: Rotary, windows?: Windows): Tensor {
    const attended = add(x, this.attn.forward(this.norm1.forward(x), rotary, windows));
    return add(attended, this.mlp.forward(this.norm2.forward(attended)));
  }
}

/** The patches of one feature side by side, and two linear layers that bring them to the language model's width. */
class PatchMerger extends Module {
  readonly ln_q: RMSNorm;
  /** An activation without weights stands between the two layers, as in the checkpoint's numbering. */
  readonly mlp: readonly [Linear, undefined, Linear];
  readonly #joined: number;

  constructor({ width, merge }: Qwen25VisionConfig, output: number) {
    super();
    this.#joined = width * merge ** 2;
    this.ln_q = new RMSNorm(width, NORM_EPSILON);
    this.mlp = [new Linear(this.#joined, this.#joined), undefined, new Linear(this.#joined, output)];
  }

  /** @param x [P, D]  @returns [M, E] */
  forward(x: Tensor): Tensor {
    const [first, , second] = this.mlp;
    return second.forward(gelu(first.forward(reshape(this.ln_q.forward(x), [-1, this.#joined]))));
  }
}

/**
 * The vision tower of Qwen2.5-VL (Bai et al. 2025, arXiv 2502.13923, section 2.1.1), for pictures of any size: most blocks
 * attend within windows. Each block's result is named `state`, with patches in the order of windows.
 */
export class Qwen25VisionTower extends Module {
  readonly patch_embed: PatchEmbedding;
  readonly blocks: readonly VisionBlock[];
  readonly merger: PatchMerger;
  readonly config: Qwen25VisionConfig;

  /** @param output E */
  constructor(config: Qwen25VisionConfig, output: number) {
    super();
    this.patch_embed = new PatchEmbedding(config);
    this.blocks = Array.from({ length: config.layers }, () => new VisionBlock(config));
    this.merger = new PatchMerger(config, output);
    this.config = config;
  }

  /** Patches of which a feature is made. */
  get unit(): number {
    return this.config.merge ** 2;
  }

  /** Numbers that describe a patch. */
  get patchElements(): number {
    const { channels, frames, patchSize } = this.config;
    return channels * frames * patchSize ** 2;
  }

  get headWidth(): number {
    return this.config.width / this.config.heads;
  }

  /** P, from M. */
  patches(features: Dim): Dim {
    return multiplyDims(this.unit, features);
  }

  /** @returns [M, E], row by row of the picture */
  forward(inputs: PatchInputs): Tensor {
    const { pixel_values, cosines, sines, order, inverse, window_mask } = inputs;
    const { width, fullAttention } = this.config;
    const windows: Windows = {
      rows: inputs.windows,
      places: inputs.places,
      rotary: {
        cosines: unsqueeze(gather(cosines, inputs.windows), 1),
        sines: unsqueeze(gather(sines, inputs.windows), 1),
      },
      mask: paddingMask(window_mask),
    };
    const features = reshape(this.patch_embed.forward(pixel_values), [-1, this.unit * width]);
    const embedded = reshape(gather(features, order), [-1, width]);
    const last = this.blocks.reduce(
      (state, block, i) =>
        tap(`blocks.${i}.state`, block.forward(state, { cosines, sines }, fullAttention.has(i) ? undefined : windows)),
      tap('embeddings', embedded),
    );
    return gather(this.merger.forward(last), inverse);
  }
}
