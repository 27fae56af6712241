// I tiles, P patches of a tile, B batch, T tokens, D width, F rows of features, K rows that each is made of
import { concat, expand, input, reshape, type Tensor } from '../../graph/index.ts';
import { initializers, type KeyValueCache, Module, Parameter } from '../../nn/index.ts';
import { CausalLM } from '../common/decoder.ts';
import type { Arrangement, GenerationShape, ImageTextModel, PreparedPicture, Reading } from '../common/generating.ts';
import { arrange } from '../common/image-text.ts';
import { MultimodalProjector, VisionTower } from '../common/llava-parts.ts';
import type { LlavaOnevisionConfig } from './config.ts';
import { featureRows } from './features.ts';

/**
 * LLaVA-OneVision (Li et al. 2024, arXiv 2408.03326): a picture is looked at as a whole and in tiles; their patches, brought
 * back to the picture's shape, stand as tokens in the text of a Qwen2.
 */
export class LlavaOnevision extends Module implements ImageTextModel {
  readonly image_newline: Parameter;
  readonly vision_tower: VisionTower;
  readonly multi_modal_projector: MultimodalProjector;
  readonly language_model: CausalLM;
  readonly config: LlavaOnevisionConfig;

  constructor(config: LlavaOnevisionConfig) {
    super();
    const { width } = config.text;
    this.image_newline = new Parameter([width], initializers.normal(1 / Math.sqrt(width)));
    this.vision_tower = new VisionTower(config);
    this.multi_modal_projector = new MultimodalProjector(config);
    this.language_model = new CausalLM(config.text);
    this.config = config;
  }

  get generation(): GenerationShape {
    return this.language_model.generation;
  }

  get imageToken(): number {
    return this.config.imageToken;
  }

  get independentTiles(): boolean {
    return true;
  }

  pictureInputs(): { readonly pixel_values: Tensor } {
    const { imageSize, channels } = this.config.vision;
    return { pixel_values: input('pixel_values', 'float32', ['tiles', channels, imageSize, imageSize]) };
  }

  /** @param inputs.pixel_values [I, 3, H, W]  @returns [I · (1 + P), D]: for each tile the new line and its patches */
  pictureFeatures(inputs: Readonly<Record<string, Tensor>>): Tensor {
    const { width } = this.config.text;
    const patches = this.multi_modal_projector.forward(this.vision_tower.forward(inputs['pixel_values']!));
    const newLine = expand(reshape(this.image_newline.tensor, [1, 1, width]), [patches.shape[0]!, 1, width]);
    return reshape(concat([newLine, patches], 1), [-1, width]);
  }

  /** @throws ShapeError when the picture's tiles are not those of its size */
  arrangement({ inputs, imageSize }: PreparedPicture): Arrangement {
    return featureRows([{ tiles: inputs['pixel_values']!.shape[0]!, imageSize }], this.config.tiles);
  }

  /** @param ids [B, T] int64  @returns [B, T, D] */
  embed(ids: Tensor): Tensor {
    return this.language_model.embed(ids);
  }

  forwardCached(embeddings: Tensor, chosen: Tensor, cache: KeyValueCache): Tensor {
    return this.language_model.forwardCached(embeddings, chosen, cache);
  }

  /** @param ids [B, T] int64  @returns logits [B, T, V], or [N, V] of the chosen tokens */
  read(ids: Tensor, reading: Reading = {}): Tensor {
    return this.language_model.read(ids, reading);
  }

  /**
   * As in training. @param inputs tiles of all pictures, as in `pictureInputs`, and their `featureRows`: `rows` [F, K] int64
   * and `weights` [F, K]  @param ids [B, T] int64
   * @param places [B, T] int64, as in `placeFeatures`
   * @returns logits [B, T, V]
   */
  forward(inputs: Readonly<Record<string, Tensor>>, ids: Tensor, places: Tensor): Tensor {
    const features = arrange(this.pictureFeatures(inputs), inputs['rows']!, inputs['weights']!);
    return this.read(ids, { features, places });
  }
}
