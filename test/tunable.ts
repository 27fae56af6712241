/** Each generating architecture's tiny twin with a batch, as something that can be tuned. */
// B batch, T tokens, F rows of features
import { fileURLToPath } from 'node:url';
import { openModel } from '../src/auto/node/open-model.ts';
import { hostTensor, type HostTensor, Random } from '../src/core/index.ts';
import { crossEntropy, reshape, slice, type Tensor } from '../src/graph/index.ts';
import type { LocatedWeights } from '../src/hub/node/index.ts';
import {
  arrange,
  BlipForConditionalGeneration,
  BlipForQuestionAnswering,
  type PreparedPicture,
  readsPictures,
  type ReadingModel,
} from '../src/models/index.ts';
import { type LoraAdapter, AdaptedModel, type Module } from '../src/nn/index.ts';
import type { BatchSignature, Trainable } from '../src/train/objective.ts';

/** Folder of a twin, by architecture. */
export const TWINS: Readonly<Record<string, string>> = {
  llama: 'decoders/llama',
  qwen2: 'decoders/qwen2',
  qwen3: 'decoders/qwen3',
  idefics3: 'multimodal/idefics3',
  smolvlm: 'multimodal/smolvlm',
  llava: 'multimodal/llava',
  llava_onevision: 'multimodal/llava_onevision',
  qwen2_5_vl: 'qwen25vl',
  'blip, captions': 'blip/caption',
  'blip, questions': 'blip/vqa',
};

export interface Tunable {
  readonly folder: string;
  readonly model: Module;
  readonly weights: LocatedWeights;
  readonly batch: Readonly<Record<string, HostTensor>>;
  readonly signature: BatchSignature;
  readonly logits: (batch: Readonly<Record<string, Tensor>>) => Tensor;
  /** Next tokens of the whole text, all counted. */
  trainable(adapters: readonly LoraAdapter[]): Trainable;
}

export async function tunable(name: string): Promise<Tunable> {
  const folder = fileURLToPath(new URL(`parity/fixtures/${TWINS[name]!}`, import.meta.url));
  const { architecture, weights } = await openModel(folder);
  const random = new Random(5);
  const ids = integers([1, 12], () => 5 + random.integer(60));
  let batch: Record<string, HostTensor> = { ids };
  let logits: Tunable['logits'];
  const { model } = architecture;
  if (model instanceof BlipForConditionalGeneration) {
    batch = { ids, pixels: normal([1, 3, ...square(model.config.vision.imageSize)], random) };
    logits = (given) => model.forward(given['pixels']!, given['ids']!);
  } else if (model instanceof BlipForQuestionAnswering) {
    const question = integers([1, 5], () => 5 + random.integer(60));
    batch = { ids, question, pixels: normal([1, 3, ...square(model.config.vision.imageSize)], random) };
    logits = (given) => model.forward(given['pixels']!, given['question']!, given['ids']!);
  } else if (architecture.kind === 'generating' && 'read' in architecture.model) {
    const reader = architecture.model as ReadingModel;
    logits = (given) => reader.read(given['ids']!);
    if (readsPictures(reader)) {
      const { imageToken } = reader;
      const picture = pictureOf(reader as never, random);
      const inputs = reader.pictureValues?.(picture) ?? picture.inputs;
      const arrangement = reader.arrangement?.(picture);
      const rows = arrangement?.rows.shape[0] ?? picture.features;
      const text = integers([1, rows + 8], (i) => (i >= 3 && i < rows + 3 ? imageToken : 5 + random.integer(60)));
      let next = text.data.length;
      const places = integers(text.shape, (i) => (Number(text.data[i]) === imageToken ? next++ : i));
      const positions =
        reader.generation.positionAxes === 3
          ? { positions: integers([3, ...text.shape], (i) => i % text.shape[1]!) }
          : {};
      batch = { ids: text, token_places: places, ...inputs, ...arrangement, ...positions };
      logits = (given) => {
        const table = reader.pictureFeatures(given);
        const features = arrangement === undefined ? table : arrange(table, given['rows']!, given['weights']!);
        return reader.read(given['ids']!, { features, places: given['token_places'], positions: given['positions'] });
      };
    }
  } else throw new Error(`${name} does not write`);
  const signature = Object.fromEntries(Object.entries(batch).map(([key, { dtype, shape }]) => [key, { dtype, shape }]));
  const base = model as unknown as Module;
  // Walking the tree gives the weights their names.
  base.parameters();
  return {
    folder,
    model: base,
    weights,
    batch,
    signature,
    logits,
    trainable: (adapters) => ({
      model: new AdaptedModel(base, adapters),
      loss: (given) => ({ loss: nextTokenLoss(logits(given), given['ids']!), figures: {} }),
    }),
  };
}

/** Mean over all tokens but the first. @param logits [B, T, V]  @param ids [B, T] */
export function nextTokenLoss(logits: Tensor, ids: Tensor): Tensor {
  const [, length, vocabulary] = logits.shape as readonly [number, number, number];
  const before = reshape(slice(logits, 1, 0, length - 1), [-1, vocabulary]);
  return crossEntropy(before, reshape(slice(ids, 1, 1, length), [-1]));
}

interface Sizes {
  readonly config: {
    readonly vision: { readonly imageSize: number; readonly patchSize: number };
    readonly scale?: number;
  };
  readonly visual?: { readonly patchElements: number };
}

function pictureOf({ config, visual }: Sizes, random: Random): PreparedPicture {
  if (visual !== undefined) {
    const [height, width] = [4, 6];
    const inputs = { pixel_values: normal([height * width, visual.patchElements], random) };
    return { inputs, features: (height * width) / 4, grid: [1, height, width] };
  }
  const { imageSize, patchSize } = config.vision;
  const features = (imageSize / patchSize / (config.scale ?? 1)) ** 2;
  // A picture in two tiles, where there are tiles: the whole of it and one part.
  const tiles = 'tiles' in config ? 2 : 1;
  const inputs = { pixel_values: normal([tiles, 3, imageSize, imageSize], random) };
  return { inputs, features, imageSize: [imageSize, imageSize] };
}

function square(side: number): [number, number] {
  return [side, side];
}

function normal(shape: readonly number[], random: Random): HostTensor<'float32'> {
  const tensor = hostTensor('float32', shape);
  for (let i = 0; i < tensor.data.length; i++) tensor.data[i] = random.normal();
  return tensor;
}

function integers(shape: readonly number[], value: (i: number) => number): HostTensor<'int64'> {
  const tensor = hostTensor('int64', shape);
  for (let i = 0; i < tensor.data.length; i++) tensor.data[i] = BigInt(value(i));
  return tensor;
}
