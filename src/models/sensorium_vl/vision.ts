// B batch, H height, W width, P patches, D width
import { add, tap, type Tensor } from '../../graph/index.ts';
import { Conv2d, initializers, LayerNorm, Module, Parameter } from '../../nn/index.ts';
import { checkPictures, flattenGrid } from '../common/patches.ts';
import { Tower, towerInitializer } from '../common/tower.ts';
import { ResidualBlock } from '../common/vision.ts';
import { type StemTowerConfig, stemPatches } from './config.ts';

/** Convolutions in place of one cut into patches: transformers of small data learn much faster behind them. */
class Stem extends Module {
  readonly conv: Conv2d;
  readonly blocks: readonly ResidualBlock[];

  constructor({ stem, stemDepth, width }: StemTowerConfig) {
    super();
    this.conv = new Conv2d(3, stem[0]!, 3, { stride: 2, padding: 1, initializer: initializers.kaimingNormal });
    this.blocks = [
      ...stem.map((channels, i) => new ResidualBlock(channels, stem[i + 1] ?? width, 2)),
      ...Array.from({ length: stemDepth }, () => new ResidualBlock(width, width, 1)),
    ];
  }

  /** @param pixels [B, 3, H, W]  @returns [B, P, D] */
  forward(pixels: Tensor): Tensor {
    const grid = this.blocks.reduce((state, block) => block.forward(state), this.conv.forward(pixels));
    return flattenGrid(grid);
  }
}

/**
 * A tower like SigLIP's (Zhai et al. 2023, arXiv 2303.15343) behind a stem of convolutions (Xiao et al. 2021, arXiv
 * 2106.14881).
 */
export class StemTower extends Module {
  readonly stem: Stem;
  readonly position_embedding: Parameter;
  readonly encoder: Tower;
  readonly post_layernorm: LayerNorm;
  readonly config: StemTowerConfig;

  constructor(config: StemTowerConfig) {
    super();
    this.stem = new Stem(config);
    this.position_embedding = new Parameter([stemPatches(config) ** 2, config.width], towerInitializer, {
      decay: false,
    });
    this.encoder = new Tower(config);
    this.post_layernorm = new LayerNorm(config.width, config.normEpsilon);
    this.config = config;
  }

  /** @param pixels [B, 3, H, W]  @returns [B, P, D], row by row */
  forward(pixels: Tensor): Tensor {
    const { imageSize } = this.config;
    checkPictures(pixels, 3, [imageSize, imageSize]);
    const states = this.encoder.forward(
      tap('embeddings', add(this.stem.forward(pixels), this.position_embedding.tensor)),
    );
    return this.post_layernorm.forward(states.at(-1)!);
  }
}
