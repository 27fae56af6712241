// F rows of features, D width
import type { Tensor } from '../graph/index.ts';
import { GenerationError, hostTensor, type HostTensor, joinRows } from '../core/index.ts';
import { arrangeRows, type ImageTextModel, type PreparedPicture } from '../models/index.ts';
import { runOnce } from '../runtime/run-once.ts';
import type { Runtime } from '../runtime/types.ts';
import { AdaptableProgram, type ProgramLease } from './adaptable-program.ts';
import type { ModelWeights } from './compile.ts';
import type { LayerChanges } from './layer-changes.ts';
import type { EncodedPicture } from './prompt.ts';

/** Pictures whose features are kept, unless told: a conversation seldom has more. */
const KEPT = 16;

/** Turns pictures into features, and keeps those that it has seen last. */
export class PictureEncoder {
  readonly #runtime: Runtime;
  readonly #program: AdaptableProgram;
  readonly #model: ImageTextModel;
  readonly #most: number;
  /** By key, the one that was used last at the end. */
  readonly #kept = new Map<string, EncodedPicture>();

  private constructor(runtime: Runtime, program: AdaptableProgram, model: ImageTextModel, most: number) {
    this.#runtime = runtime;
    this.#program = program;
    this.#model = model;
    this.#most = most;
  }

  /** Traces and compiles. @param options.kept pictures whose features stay  @throws DeviceError */
  static async create(
    runtime: Runtime,
    model: ImageTextModel,
    weights: ModelWeights,
    options: { kept?: number } = {},
  ): Promise<PictureEncoder> {
    // Walking the tree gives the weights their names.
    model.parameters();
    const outputs = (): Record<string, Tensor> => ({ features: model.pictureFeatures(model.pictureInputs()) });
    const program = await AdaptableProgram.create({ runtime, model, weights, outputs });
    return new PictureEncoder(runtime, program, model, options.kept ?? KEPT);
  }

  /** Exchanges adapters, of which it takes those on its own layers. @throws DeviceError */
  async adapt(changes: LayerChanges): Promise<void> {
    const { version } = this.#program;
    await this.#program.adapt(changes);
    // What was seen before would be seen otherwise now.
    if (this.#program.version !== version) this.#kept.clear();
  }

  /** @throws GenerationError when it makes another number of features than the picture has image tokens */
  async encode(picture: PreparedPicture): Promise<EncodedPicture> {
    // What is seen now is seen with the adapters of now, and has another key with others: what was read of it does not stand.
    const lease = this.#program.lease();
    let encoded: EncodedPicture;
    try {
      const key = `${lease.version} ${await keyOf(picture)}`;
      encoded = this.#kept.get(key) ?? { key, features: await this.#features(picture, lease) };
    } finally {
      lease.end();
    }
    const { key } = encoded;
    const [rows] = encoded.features.shape;
    if (rows !== picture.features)
      throw new GenerationError(
        `a picture has ${picture.features} image tokens, and the model makes ${rows} rows of features of it`,
        'preprocessor_config.json and config.json must be of one checkpoint',
      );
    this.#kept.delete(key);
    this.#kept.set(key, encoded);
    if (this.#kept.size > this.#most) this.#kept.delete(this.#kept.keys().next().value!);
    return encoded;
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
    this.#kept.clear();
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
