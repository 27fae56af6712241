// B pictures of a batch, R texts, T tokens, C classes
import { allocateArray, DataError, elementCount, hostTensor, type HostTensor } from '../core/index.ts';
import type { Batch } from '../data/dataset.ts';
import { input } from '../graph/index.ts';
import { SimpleMultimodalModel, type FusionConfig } from '../models/fusion/model.ts';
import { lower } from '../onnx/index.ts';
import type { Program, Runtime, Value } from '../runtime/types.ts';

/** Sizes of the batches that a scorer takes; smaller ones are filled up. */
export interface ScorerSizes {
  /** B */
  readonly pictures: number;
  /** R, a multiple of B: texts of one picture lie side by side. */
  readonly texts: number;
  /** T */
  readonly textLength: number;
}

const INPUTS = ['pixels', 'ids', 'mask'] as const;

/** A fusion model compiled for inference on batches of one size. */
export class FusionScorer {
  readonly sizes: ScorerSizes;
  readonly #classes: number;
  readonly #program: Program;
  readonly #weights: Readonly<Record<string, Value>>;
  readonly #inputs: Readonly<Record<(typeof INPUTS)[number], Value>>;
  readonly #logits: Value;

  private constructor(
    sizes: ScorerSizes,
    classes: number,
    program: Program,
    weights: Record<string, Value>,
    inputs: Record<(typeof INPUTS)[number], Value>,
    logits: Value,
  ) {
    this.sizes = sizes;
    this.#classes = classes;
    this.#program = program;
    this.#weights = weights;
    this.#inputs = inputs;
    this.#logits = logits;
  }

  /** @param weights by the model's own parameter paths. @throws DataError when one is missing */
  static async create(
    runtime: Runtime,
    config: FusionConfig,
    weights: Readonly<Record<string, HostTensor>>,
    sizes: ScorerSizes,
  ): Promise<FusionScorer> {
    const model = new SimpleMultimodalModel(config);
    const parameters = model.parameters();
    const { pictures, texts, textLength } = sizes;
    const side = config.vision.imageSize;
    const traced = {
      pixels: input('pixels', 'float32', [pictures, 3, side, side]),
      ids: input('ids', 'int64', [texts, textLength]),
      mask: input('mask', 'float32', [texts, textLength]),
    };
    const graph = lower(
      { logits: model.forward(traced.pixels, traced.ids, traced.mask) },
      { device: runtime.device === 'webgpu' ? 'webgpu' : 'cpu' },
    );
    const program = await runtime.compile(graph, { optimization: 'all' });
    const values: Record<string, Value> = {};
    for (const name of graph.parameters) {
      values[name] = await runtime.allocate('float32', parameters.get(name)!.shape);
    }
    const inputs = {
      pixels: await runtime.allocate('float32', [pictures, 3, side, side]),
      ids: await runtime.allocate('int64', [texts, textLength]),
      mask: await runtime.allocate('float32', [texts, textLength]),
    };
    const logits = await runtime.allocate('float32', [texts, config.classes]);
    const scorer = new FusionScorer(sizes, config.classes, program, values, inputs, logits);
    await scorer.setWeights(weights);
    return scorer;
  }

  /** Replaces the weights. @param weights by the model's own parameter paths. @throws DataError when one is missing */
  async setWeights(weights: Readonly<Record<string, HostTensor>>): Promise<void> {
    for (const [name, value] of Object.entries(this.#weights)) {
      const tensor = weights[name];
      if (tensor === undefined)
        throw new DataError(`the model has no weight '${name}'`, 'was it made from another config?');
      await value.write(tensor);
    }
  }

  /** @param batch with `pixels`, `ids` and `mask`, at most as large as the scorer  @returns one row of C logits per text */
  async logits(batch: Batch): Promise<Float32Array[]> {
    for (const name of INPUTS) {
      const tensor = batch.tensors[name];
      if (tensor === undefined) throw new DataError(`the batch has no tensor '${name}'`);
      await this.#inputs[name].write(filled(tensor, this.#inputs[name].shape));
    }
    await this.#program.run({ ...this.#weights, ...this.#inputs }, { logits: this.#logits });
    const data = (await this.#logits.read()).data as Float32Array;
    const rows = batch.tensors['ids']!.shape[0]!;
    return Array.from({ length: rows }, (_, i) => data.slice(i * this.#classes, (i + 1) * this.#classes));
  }

  dispose(): void {
    this.#program.dispose();
    for (const value of [...Object.values(this.#weights), ...Object.values(this.#inputs), this.#logits])
      value.dispose();
  }
}

/** The tensor with rows of zeros added at its end. */
function filled(tensor: HostTensor, shape: readonly number[]): HostTensor {
  if (tensor.shape.join() === shape.join()) return tensor;
  const sameRows = tensor.shape.slice(1).join() === shape.slice(1).join();
  if (!sameRows || tensor.shape[0]! > shape[0]!) {
    throw new DataError(`a batch of shape [${tensor.shape.join(', ')}] does not fit into [${shape.join(', ')}]`);
  }
  const data = allocateArray(tensor.dtype, elementCount(shape));
  if (data instanceof BigInt64Array) data.set(tensor.data as BigInt64Array);
  else (data as Float32Array).set(tensor.data as Float32Array);
  return hostTensor(tensor.dtype, shape, data);
}
