import { type HostTensor, SensoriumError, TrainingError } from '../core/index.ts';
import type { Parameter, Recompute } from '../nn/index.ts';
import type { LoweredGraph, LoweringDevice } from '../onnx/index.ts';
import type { CompileOptions, Program, Runtime, Value } from '../runtime/types.ts';
import type { BatchSignature, Trainable } from './objective.ts';
import { GRADIENT, gradientGraph, type WeightFiles } from './step-graph.ts';

/** What programs for all shapes have in common. */
export interface ProgramContext {
  readonly runtime: Runtime;
  readonly device: LoweringDevice;
  readonly trainable: Trainable;
  readonly trained: ReadonlyMap<string, Parameter>;
  readonly compileOptions: CompileOptions;
  /** Files of weights that are not trained. */
  readonly frozen?: WeightFiles | undefined;
  /** What is computed again in the backward pass. */
  readonly recompute?: Recompute | undefined;
  /** Values that every program reads: weights and the seed, by the graph's names. */
  readonly inputs: Readonly<Record<string, Value>>;
  /** Where gradients go, by weight. */
  readonly gradients: Readonly<Record<string, Value>>;
}

/** A gradient program with the values of its batch and its results. */
interface ShapeProgram {
  readonly program: Program;
  /** Of what the program reads. */
  readonly batch: Readonly<Record<string, Value>>;
  /** Loss and figures. */
  readonly scalars: Readonly<Record<string, Value>>;
  readonly inputs: Readonly<Record<string, Value>>;
  readonly outputs: Readonly<Record<string, Value>>;
}

/**
 * One gradient program for each shape of batches, all over the same weights. Of more shapes than are kept, the one that was
 * not used for longest goes first and is compiled anew when it comes back.
 */
export class StepPrograms {
  readonly #context: ProgramContext;
  readonly #most: number;
  /** In the order of their last use. */
  readonly #programs = new Map<string, ShapeProgram>();
  /** Names of the first batch's tensors. */
  #names: readonly string[] = [];
  #compiled = 0;

  constructor(context: ProgramContext, most: number) {
    this.#context = context;
    this.#most = most;
  }

  /** Programs compiled so far, those that came back included. */
  get compiled(): number {
    return this.#compiled;
  }

  /** Compiles for batches of a shape, unless that was done. */
  async prepare(signature: BatchSignature): Promise<void> {
    await this.#find(signature);
  }

  /**
   * Computes loss, figures and gradients of a batch.
   * @returns loss and figures by output name; the gradients lie where the context says
   */
  async run(batch: Readonly<Record<string, HostTensor>>): Promise<Record<string, number>> {
    const found = await this.#find(batch);
    for (const [name, value] of Object.entries(found.batch)) await value.write(batch[name]!);
    await found.program.run(found.inputs, found.outputs);
    const results: Record<string, number> = {};
    for (const [name, value] of Object.entries(found.scalars)) {
      results[name] = (await value.read()).data[0] as number;
    }
    return results;
  }

  dispose(): void {
    for (const program of this.#programs.values()) release(program);
    this.#programs.clear();
  }

  async #find(signature: BatchSignature): Promise<ShapeProgram> {
    const key = keyOf(signature);
    let found = this.#programs.get(key);
    this.#programs.delete(key);
    if (found === undefined) {
      for (const [oldest, program] of this.#programs) {
        if (this.#programs.size < this.#most) break;
        release(program);
        this.#programs.delete(oldest);
      }
      found = await this.#compile(signature);
    }
    this.#programs.set(key, found);
    return found;
  }

  async #compile(signature: BatchSignature): Promise<ShapeProgram> {
    const { runtime, device, trainable, trained, compileOptions, inputs, gradients, frozen, recompute } = this.#context;
    let graph: LoweredGraph;
    try {
      graph = gradientGraph(trainable, signature, trained, device, { frozen, recompute });
    } catch (cause) {
      const missing = this.#names.find((name) => signature[name] === undefined);
      if (missing === undefined || cause instanceof SensoriumError) throw cause;
      const hint = 'the dataset must give what the objective reads';
      throw new TrainingError(`the batch has no tensor '${missing}'`, hint, { cause });
    }
    if (this.#compiled === 0) this.#names = Object.keys(signature);
    // Packed copies of weights, one for each of both passes, would be as large as the model.
    const program = await runtime.compile(
      frozen === undefined ? graph : { ...graph, externalFolder: frozen.folder },
      frozen === undefined ? compileOptions : { ...compileOptions, disablePrepacking: true },
    );
    this.#compiled++;
    const batch: Record<string, Value> = {};
    for (const { name } of program.inputs) {
      const tensor = signature[name];
      if (tensor !== undefined) batch[name] = await runtime.allocate(tensor.dtype, tensor.shape);
    }
    const scalars: Record<string, Value> = {};
    for (const { name } of program.outputs)
      if (!name.startsWith(GRADIENT)) scalars[name] = await runtime.allocate('float32', []);
    const all: Record<string, Value> = { ...inputs, ...batch };
    const places = Object.entries(gradients).map(([name, value]) => [GRADIENT + name, value] as const);
    return {
      program,
      batch,
      scalars,
      inputs: Object.fromEntries(program.inputs.map(({ name }) => [name, all[name]!])),
      outputs: { ...scalars, ...Object.fromEntries(places) },
    };
  }
}

/** Types and shapes as a text, whatever the order of the tensors. */
function keyOf(signature: BatchSignature): string {
  return Object.entries(signature)
    .map(([name, { dtype, shape }]) => `${name}:${dtype}[${shape.join(',')}]`)
    .sort()
    .join(' ');
}

function release({ program, batch, scalars }: ShapeProgram): void {
  program.dispose();
  for (const value of [...Object.values(batch), ...Object.values(scalars)]) value.dispose();
}
