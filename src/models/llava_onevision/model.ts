// I tiles, P patches of a tile, B batch, T tokens, D width, F rows of features, K rows that each is made of
import type { HostTensor } from '../../core/index.ts';
import { concat, gather, input, matmul, reshape, type Tensor } from '../../graph/index.ts';
import { initializers, type KeyValueCache, Module, Parameter } from '../../nn/index.ts';
import { CausalLM } from '../common/decoder.ts';
import type { GenerationShape, ImageTextModel, PreparedPicture } from '../common/generating.ts';
import { readWithPictures } from '../common/image-text.ts';
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
    return false;
  }

  /** `rows` and `weights` say of which rows of the table of new line and patches each feature is made: see `featureRows`. */
  pictureInputs(): { readonly pixel_values: Tensor; readonly rows: Tensor; readonly weights: Tensor } {
    const { imageSize, channels } = this.config.vision;
    return {
      pixel_values: input('pixel_values', 'float32', ['tiles', channels, imageSize, imageSize]),
      rows: input('rows', 'int64', ['F', 'K']),
      weights: input('weights', 'float32', ['F', 'K']),
    };
  }

  /** @throws ShapeError when the picture's tiles are not those of its size */
  pictureValues({ inputs, imageSize }: PreparedPicture): Readonly<Record<string, HostTensor>> {
    const pixels = inputs['pixel_values']!;
    return { pixel_values: pixels, ...featureRows([{ tiles: pixels.shape[0]!, imageSize }], this.config.tiles) };
  }

  /** @param inputs.pixel_values [I, 3, H, W]  @param inputs.rows [F, K]  @param inputs.weights [F, K]  @returns [F, D] */
  pictureFeatures(inputs: Readonly<Record<string, Tensor>>): Tensor {
    const { width } = this.config.text;
    const states = this.vision_tower.forward(inputs['pixel_values']!);
    const patches = reshape(this.multi_modal_projector.forward(states), [-1, width]);
    const table = concat([reshape(this.image_newline.tensor, [1, width]), patches], 0);
    const weights = inputs['weights']!;
    const [count, parts] = weights.shape;
    const mixed = matmul(reshape(weights, [count!, 1, parts!]), gather(table, inputs['rows']!));
    return reshape(mixed, [count!, width]);
  }

  /** @param ids [B, T] int64  @returns [B, T, D] */
  embed(ids: Tensor): Tensor {
    return this.language_model.embed(ids);
  }

  forwardCached(embeddings: Tensor, chosen: Tensor, cache: KeyValueCache): Tensor {
    return this.language_model.forwardCached(embeddings, chosen, cache);
  }

  /**
   * As in training. @param inputs tiles and rows of all pictures, as in `pictureInputs`  @param ids [B, T] int64
   * @param places [B, T] int64, as in `placeFeatures`  @param mask added to the scores; causal by default
   * @returns logits [B, T, V]
   */
  forward(inputs: Readonly<Record<string, Tensor>>, ids: Tensor, places: Tensor, mask?: Tensor): Tensor {
    return readWithPictures(this.language_model, ids, { features: this.pictureFeatures(inputs), places, mask });
  }
}
