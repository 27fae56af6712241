// N rows, K numbers in a row, G = ⌈K / block⌉ blocks of a row
import type { TensorType } from '../../graph/tensor.ts';
import { hostTensor } from '../../core/index.ts';
import { dataType, type ExternalData, type OnnxBuilder, type QuantizedData } from '../builder.ts';
import { MICROSOFT } from './shared.ts';

/** A weight in a file that does not hold it as the graph takes it: of another type, or in few bits. */
export class StoredWeight {
  readonly quantized: QuantizedData | undefined;
  readonly data: ExternalData;
  readonly tensor: TensorType;
  readonly #builder: OnnxBuilder;
  readonly #name: string;
  readonly #training: boolean;
  readonly #parts = new Map<string, string>();

  /** @param training see `LowerOptions` */
  constructor(builder: OnnxBuilder, name: string, tensor: TensorType, data: ExternalData, training = false) {
    this.quantized = data.quantized;
    this.data = data;
    this.tensor = tensor;
    this.#builder = builder;
    this.#name = name;
    this.#training = training;
  }

  /** Quantized weights of one width, one under another, which lie so in their file; outside of training. */
  static joined(weights: readonly StoredWeight[]): StoredWeight {
    const [first] = weights as [StoredWeight];
    const { quantized, data } = first;
    const whole = (part: (weight: StoredWeight) => ExternalData | undefined): number =>
      weights.reduce((bytes, weight) => bytes + (part(weight)?.length ?? 0), 0);
    const { scales, zeroPoints } = quantized!;
    const parts: QuantizedData = {
      ...quantized!,
      scales: { ...scales, length: whole((weight) => weight.quantized!.scales) },
      ...(zeroPoints && { zeroPoints: { ...zeroPoints, length: whole((weight) => weight.quantized!.zeroPoints) } }),
    };
    const rows = weights.reduce((sum, { tensor }) => sum + (tensor.shape[0] as number), 0);
    const tensor: TensorType = { dtype: first.tensor.dtype, shape: [rows, first.tensor.shape[1]!] };
    const joint = { ...data, length: whole((weight) => weight.data), quantized: parts };
    return new StoredWeight(first.#builder, `${first.#name}.joint`, tensor, joint);
  }

  /** All of it as the graph takes it. Operators that read it often should not: the engine keeps what it converts. */
  converted(): string {
    return this.#training ? this.#convert() : this.#once('', () => this.#convert());
  }

  #convert(): string {
    const builder = this.#builder;
    if (this.quantized === undefined) return builder.op('Cast', [this.plain()], { to: dataType(this.tensor.dtype) });
    const rows = this.tensor.shape[0] as number;
    const all = BigInt64Array.from({ length: rows }, (_, i) => BigInt(i));
    return this.rows(this.#once('all rows', () => builder.constant(hostTensor('int64', [rows], all))));
  }

  /** As it is stored, where it is not quantized. */
  plain(): string {
    return this.#once(this.#name, () => {
      this.#builder.external(this.#name, this.data.dtype!, this.tensor.shape as number[], this.data);
      return this.#name;
    });
  }

  /** Some rows of it as the graph takes them. @param indices [...]  @returns [..., K] */
  rows(indices: string): string {
    const builder = this.#builder;
    const { dtype } = this.tensor;
    const { quantized } = this;
    if (quantized === undefined)
      return builder.op('Cast', [builder.op('Gather', [this.plain(), indices])], { to: dataType(dtype) });
    const { rows, inputs, blocks, bytes } = this.#sizes(quantized);
    const packed = this.#part('rows', 'uint8', [rows, blocks * bytes], this.data);
    const { scales, zeroPoints } = this.#scaling(quantized);
    const { bits, block } = quantized;
    const attributes = { bits, block_size: block, gather_axis: 0, quantize_axis: 1 };
    const names = zeroPoints === undefined ? [packed, indices, scales] : [packed, indices, scales, zeroPoints];
    const gathered = builder.op('GatherBlockQuantized', names, attributes, MICROSOFT);
    if (blocks * block === inputs) return gathered;
    // The last block is filled up.
    return builder.op('Slice', [gathered, builder.integers([0]), builder.integers([inputs]), builder.integers([-1])]);
  }

  /**
   * Whether products read it packed. In training they do not: the graph brings its numbers back, for the forward as for the
   * backward pass, which is a little slower than MatMulNBits with `accuracy_level` 1 and gives the same numbers. That operator
   * does it outside of the engine's arena, beside all that the arena ever held, and would map the packed weight a second time.
   */
  get readPacked(): boolean {
    return this.quantized !== undefined && !this.#training;
  }

  /** x Wᵀ + b, see {@link readPacked}. @param x [..., K]  @returns [..., N] */
  product(x: string, bias: string | undefined): string {
    const quantized = this.quantized!;
    const { rows, inputs, blocks, bytes } = this.#sizes(quantized);
    const packed = this.#part('packed', 'uint8', [rows, blocks, bytes], this.data);
    const { scales, zeroPoints } = this.#scaling(quantized);
    const names = [x, packed, scales];
    if (zeroPoints !== undefined || bias !== undefined) names.push(zeroPoints ?? '');
    if (bias !== undefined) names.push('', bias);
    const attributes = {
      K: inputs,
      N: rows,
      bits: quantized.bits,
      block_size: quantized.block,
      accuracy_level: ACCURACY,
    };
    return this.#builder.op('MatMulNBits', names, attributes, MICROSOFT);
  }

  #sizes({ bits, block }: QuantizedData): { rows: number; inputs: number; blocks: number; bytes: number } {
    const [rows, inputs] = this.tensor.shape as readonly [number, number];
    return { rows, inputs, blocks: Math.ceil(inputs / block), bytes: (block * bits) / 8 };
  }

  #scaling(quantized: QuantizedData): { scales: string; zeroPoints: string | undefined } {
    const { rows, blocks } = this.#sizes(quantized);
    const { bits, scales, zeroPoints } = quantized;
    return {
      scales: this.#part('scales', 'float32', [rows, blocks], scales),
      zeroPoints: zeroPoints && this.#part('zero_points', 'uint8', [rows, Math.ceil((blocks * bits) / 8)], zeroPoints),
    };
  }

  #part(part: string, dtype: 'uint8' | 'float32', shape: readonly number[], data: ExternalData): string {
    return this.#once(part, () => {
      const name = `${this.#name}.${part}`;
      this.#builder.external(name, dtype, shape, data);
      return name;
    });
  }

  #once(key: string, make: () => string): string {
    const known = this.#parts.get(key);
    if (known !== undefined) return known;
    const name = make();
    this.#parts.set(key, name);
    return name;
  }
}

/** Both sides of a product in 8 bits: every other way of the CPU's kernels is several times slower for one token. */
const ACCURACY = 4;
