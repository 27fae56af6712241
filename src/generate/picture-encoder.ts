// F rows of features, D width
import type { Tensor } from '../graph/index.ts';
import { identityOf } from '../core/identity.ts';
import { GenerationError, hostTensor, type HostTensor, joinRows } from '../core/index.ts';
import { arrangeRows, type ImageTextModel, type PreparedPicture } from '../models/index.ts';
import { runOnce } from '../runtime/run-once.ts';
import type { Runtime } from '../runtime/types.ts';
import { AdaptableProgram, type ProgramLease } from './adaptable-program.ts';
import type { ModelWeights } from './compile.ts';
import type { LayerChanges } from './layer-changes.ts';
import type { EncodedPicture } from './prompt.ts';

/** Bytes of features that are kept, unless told: two dozen pictures of SmolVLM's in 17 tiles, or 1,700 of the starter's. */
const KEPT_BYTES = 64 * 2 ** 20;

/** Turns pictures into features, and keeps those that it has seen last, by their content. */
export class PictureEncoder {
  readonly #runtime: Runtime;
  readonly #program: AdaptableProgram;
  readonly #model: ImageTextModel;
  readonly #most: number;
  /** By key, the one that was used last at the end. */
  readonly #kept = new Map<string, EncodedPicture>();
  #keptBytes = 0;
  /** Pictures that are being encoded, by key: who asks for the same one waits for it. */
  readonly #under = new Map<string, Promise<HostTensor<'float32'>>>();

  private constructor(runtime: Runtime, program: AdaptableProgram, model: ImageTextModel, most: number) {
    this.#runtime = runtime;
    this.#program = program;
    this.#model = model;
    this.#most = most;
  }

  /** Traces and compiles. @param options.keptBytes most bytes of features that stay  @throws DeviceError */
  static async create(
    runtime: Runtime,
    model: ImageTextModel,
    weights: ModelWeights,
    options: { keptBytes?: number } = {},
  ): Promise<PictureEncoder> {
    // Walking the tree gives the weights their names.
    model.parameters();
    const outputs = (): Record<string, Tensor> => ({ features: model.pictureFeatures(model.pictureInputs()) });
    const program = await AdaptableProgram.create({ runtime, model, weights, outputs });
    return new PictureEncoder(runtime, program, model, options.keptBytes ?? KEPT_BYTES);
  }

  /** Exchanges adapters, of which it takes those on its own layers. @throws DeviceError */
  async adapt(changes: LayerChanges): Promise<void> {
    const { version } = this.#program;
    await this.#program.adapt(changes);
    // What was seen before would be seen otherwise now.
    if (this.#program.version !== version) this.#forget();
  }

  /**
   * @param changes those of adapters that this picture is seen with, in place of those of {@link adapt}; the same object for
   *   the same adapters
   * @throws GenerationError when it makes another number of features than the picture has image tokens
   */
  async encode(picture: PreparedPicture, changes?: LayerChanges): Promise<EncodedPicture> {
    const own = changes !== undefined && this.#program.partOf(changes).size > 0 ? changes : undefined;
    const content = await keyOf(picture);
    // What is seen now is seen with the adapters of now, and has another key with others: what was read of it does not stand.
    const key = `${own === undefined ? this.#program.version : `adapter ${identityOf(own)}`} ${content}`;
    const encoded = this.#kept.get(key) ?? { key, features: await this.#once(key, picture, own) };
    const [rows] = encoded.features.shape;
    if (rows !== picture.features)
      throw new GenerationError(
        `a picture has ${picture.features} image tokens, and the model makes ${rows} rows of features of it`,
        'preprocessor_config.json and config.json must be of one checkpoint',
      );
    this.#keep(encoded);
    return encoded;
  }

  async #once(key: string, picture: PreparedPicture, changes?: LayerChanges): Promise<HostTensor<'float32'>> {
    let features = this.#under.get(key);
    if (features === undefined) {
      features = this.#encode(picture, changes).finally(() => this.#under.delete(key));
      this.#under.set(key, features);
    }
    return await features;
  }

  /** Takes its lease at once, so that key and features are of the same adapters. */
  async #encode(picture: PreparedPicture, changes?: LayerChanges): Promise<HostTensor<'float32'>> {
    const lease = changes === undefined ? this.#program.lease() : await this.#program.leaseFor(changes);
    try {
      return await this.#features(picture, lease);
    } finally {
      lease.end();
    }
  }

  #keep(encoded: EncodedPicture): void {
    const { key, features } = encoded;
    if (!this.#kept.delete(key)) this.#keptBytes += features.data.byteLength;
    this.#kept.set(key, encoded);
    for (const [oldest, { features: old }] of this.#kept) {
      if (this.#keptBytes <= this.#most) break;
      this.#kept.delete(oldest);
      this.#keptBytes -= old.data.byteLength;
    }
  }

  #forget(): void {
    this.#kept.clear();
    this.#keptBytes = 0;
  }

  async #features(picture: PreparedPicture, { program, values }: ProgramLease): Promise<HostTensor<'float32'>> {
    const tensors = this.#model.pictureValues?.(picture) ?? picture.inputs;
    const parts = this.#model.independentTiles ? tilesOf(tensors) : [tensors];
    const results: HostTensor<'float32'>[] = [];
    for (const part of parts) {
      const { features } = await runOnce(this.#runtime, program, part, values);
      results.push(features as HostTensor<'float32'>);
    }
    const rows = joinRows(results);
    const arrangement = this.#model.arrangement?.(picture);
    return arrangement === undefined ? rows : arrangeRows(rows, arrangement);
  }

  dispose(): void {
    this.#forget();
    this.#program.dispose();
  }
}

/** The same inputs for each tile by itself. @param tensors each [tiles, …] */
function tilesOf(tensors: Readonly<Record<string, HostTensor>>): Record<string, HostTensor>[] {
  const count = Object.values(tensors)[0]?.shape[0] ?? 0;
  return Array.from({ length: count }, (_, tile) =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, { dtype, shape, data }]) => {
        const size = data.length / count;
        const part = data.subarray(tile * size, (tile + 1) * size);
        return [name, hostTensor(dtype, [1, ...shape.slice(1)], part as never)];
      }),
    ),
  );
}

/** The same for the same numbers in the same shapes, of a picture of the same size and on the same grid. */
async function keyOf({ inputs, grid, imageSize }: PreparedPicture): Promise<string> {
  const parts = [grid?.join('x') ?? '', imageSize?.join('x') ?? ''];
  for (const [name, { shape, data }] of Object.entries(inputs)) {
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
    parts.push(`${name}[${shape.join()}]${Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')}`);
  }
  return parts.join(' ');
}
