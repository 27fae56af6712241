// R rows of pixels, one for each picture or tile, F features of a row, D width of the language model
import { hostTensor, type HostTensor, joinRows } from '../../../core/index.ts';
import type { OpenModel } from '../../../auto/node/index.ts';
import type { Batch } from '../../../data/index.ts';
import { PictureEncoder } from '../../../generate/index.ts';
import { input } from '../../../graph/index.ts';
import { type ImageTextModel, readsPictures } from '../../../models/index.ts';
import type { LoraAdapter } from '../../../nn/index.ts';
import type { Runtime } from '../../../runtime/types.ts';
import { partOf } from '../parts.ts';

/** What pictures go by in a batch, as pixels and as what the language model reads of them. */
const [PIXELS, FEATURES] = ['pixel_values', 'features'] as const;

/** Bytes of features that are kept: 6,500 pictures of the starter's, or 1,800 tiles of SmolVLM-256M's. */
const KEPT_BYTES = 256 * 2 ** 20;

/**
 * Whether the language model reads the same of a picture throughout a run: the adapter changes nothing on the way to it, and rows of
 * pixels are encoded each by itself.
 */
export function seesAlike({ model }: OpenModel['architecture'], { layers }: LoraAdapter): boolean {
  if (!('generation' in model) || !readsPictures(model)) return false;
  const inputs = Object.keys(model.pictureInputs());
  const byRow = inputs.join() === PIXELS && model.pictureValues === undefined && model.arrangement === undefined;
  return byRow && [...layers.keys()].every((path) => partOf(path) === 'language');
}

/** A batch as it will be once its pictures are seen: for whoever reckons with shapes alone. */
export function asSeen(batch: Batch, model: ImageTextModel): Batch {
  const pixels = batch.tensors[PIXELS];
  if (pixels === undefined) return batch;
  const [features, width] = featureShape(model, pixels.shape);
  return withFeatures(batch, hostTensor('float32', [features * pixels.shape[0]!, width]));
}

/** Bytes of features that a run will keep. @param batch one as it will be seen  @param size its rows  @param rows of all data */
export function keptBytes({ tensors }: Batch, size: number, rows: number): number {
  return Math.min(KEPT_BYTES, ((tensors[FEATURES]?.data.byteLength ?? 0) * rows) / size);
}

/**
 * Encodes pictures outside of the training step, each once: a run over a few hundred pictures sees all of them many times, and
 * their encoder is most of a step's work where only the language model learns.
 */
export class SeenPictures {
  readonly #model: ImageTextModel;
  readonly #encoder: PictureEncoder;
  /** F by the size of pixels. */
  readonly #features = new Map<string, number>();

  private constructor(model: ImageTextModel, encoder: PictureEncoder) {
    this.#model = model;
    this.#encoder = encoder;
  }

  /** @param opened a tree of its own, without the adapter */
  static async create(runtime: Runtime, opened: OpenModel): Promise<SeenPictures> {
    const model = opened.architecture.model as ImageTextModel;
    const encoder = await PictureEncoder.create(runtime, model, opened.weights, { keptBytes: KEPT_BYTES });
    return new SeenPictures(model, encoder);
  }

  /** The batch with features, [R · F, D], in the place of pixels. */
  async prepare(batch: Batch): Promise<Batch> {
    const pixels = batch.tensors[PIXELS] as HostTensor<'float32'> | undefined;
    if (pixels === undefined) return batch;
    const [rows, ...size] = pixels.shape as readonly [number, ...number[]];
    const features = this.#features.get(size.join()) ?? featureShape(this.#model, pixels.shape)[0];
    this.#features.set(size.join(), features);
    const length = pixels.data.length / rows;
    const all: HostTensor<'float32'>[] = [];
    for (let row = 0; row < rows; row++) {
      const data = pixels.data.subarray(row * length, (row + 1) * length);
      const inputs = { [PIXELS]: hostTensor('float32', [1, ...size], data) };
      all.push((await this.#encoder.encode({ inputs, features, imageSize: [size[1]!, size[2]!] })).features);
    }
    return withFeatures(batch, joinRows(all));
  }

  dispose(): void {
    this.#encoder.dispose();
  }
}

function withFeatures({ ids, tensors }: Batch, features: HostTensor<'float32'>): Batch {
  const { [PIXELS]: _, ...others } = tensors;
  return { ids, tensors: { ...others, [FEATURES]: features } };
}

/** F and D. @param shape of pixels, [R, 3, H, W] */
function featureShape(model: ImageTextModel, [, ...size]: readonly number[]): readonly [number, number] {
  const { shape } = model.pictureFeatures({ [PIXELS]: input(PIXELS, 'float32', [1, ...size]) });
  return shape as readonly [number, number];
}
