import { DeviceError, elementCount, hostTensor, type HostTensor } from '../core/index.ts';
import type { LoweredGraph } from '../onnx/index.ts';
import type { Arena, Program, Value } from '../runtime/types.ts';
import { accumulateGraph, squaredNormGraph, vectorUpdateGraph } from './step-graph.ts';
import { type StoreContext, type UpdateNumbers, UpdateScalars, type WeightStore } from './weight-store.ts';

/**
 * Elements that an update works on at a time, at most. Weights, gradients and moments of one chunk stay in the
 * processor's cache while the dozen operators of the update pass over them; the engine gives chunks of a quarter of this
 * size to one thread only (measured for AdamW: 2.7 ns a weight at 256 Ki, 5 ns at 64 Ki, 3.8 ns with no chunks).
 */
const LONGEST_CHUNK = 256 * 1024;

/** The whole group where it is short, in steps of 1 Ki so that few lengths occur. */
function chunkLength(elements: number): number {
  return Math.min(LONGEST_CHUNK, Math.ceil(elements / 1024) * 1024);
}

/** Weights of equal decay and learning rate side by side. */
interface Group {
  readonly decay: boolean;
  /** Factor on the learning rate. */
  readonly rate: number;
  readonly programs: { readonly update: Program; readonly norm: Program; readonly accumulate: Program | undefined };
  readonly blank: HostTensor;
  readonly weight: Arena;
  readonly gradient: Arena;
  readonly sum: Arena | undefined;
  readonly slots: readonly Arena[];
  readonly chunks: {
    readonly weight: Value[];
    readonly gradient: Value[];
    readonly sum: Value[];
    readonly slots: readonly Value[][];
  };
}

/**
 * All weights as vectors, updated chunk by chunk and in place. In place is exact here: every operator is elementwise,
 * and each result is written only after the last operator that reads what it replaces.
 */
export async function createArenaStore(context: StoreContext): Promise<WeightStore> {
  const { runtime, device, optimizer, trained, rates, accumulates, compileOptions } = context;
  const groups: Group[] = [];
  const compile = async (graph: LoweredGraph): Promise<Program> =>
    await runtime.compile(graph, { ...compileOptions, inPlace: true });
  const rateOf = (name: string): number => rates.get(name) ?? 1;
  const factors = [...new Set([...trained.keys()].map(rateOf))];
  for (const { decay, rate } of [true, false].flatMap((decay) => factors.map((rate) => ({ decay, rate })))) {
    const specs = [...trained]
      .filter(([name, parameter]) => parameter.decay === decay && rateOf(name) === rate)
      .map(([name, { shape }]) => ({ name, shape }));
    if (specs.length === 0) continue;
    // Tensors of an arena start at multiples of 16 elements.
    const length = chunkLength(specs.reduce((sum, { shape }) => sum + Math.ceil(elementCount(shape) / 16) * 16, 0));
    const make = async (): Promise<Arena> => {
      if (runtime.allocateArena === undefined)
        throw new DeviceError(`${runtime.backend} cannot give views of a buffer`);
      return await runtime.allocateArena(specs, length);
    };
    const weight = await make();
    const gradient = await make();
    const sum = accumulates ? await make() : undefined;
    const slots: Arena[] = [];
    for (let i = 0; i < optimizer.slots.length; i++) slots.push(await make());
    groups.push({
      decay,
      rate,
      programs: {
        update: await compile(vectorUpdateGraph(optimizer, length, device)),
        norm: await compile(squaredNormGraph(length, device)),
        accumulate: accumulates ? await compile(accumulateGraph(length, device)) : undefined,
      },
      blank: hostTensor('float32', [length]),
      weight,
      gradient,
      sum,
      slots,
      chunks: {
        weight: weight.chunks(length),
        gradient: gradient.chunks(length),
        sum: sum?.chunks(length) ?? [],
        slots: slots.map((slot) => slot.chunks(length)),
      },
    });
  }

  const scalars = await UpdateScalars.create(runtime, optimizer, factors);
  const total = await runtime.allocate('float64', []);
  const zero = hostTensor('float64', []);
  const totalOnHost = hostTensor('float64', []);

  const values = (arenas: readonly Arena[]): Record<string, Value> =>
    Object.assign({}, ...arenas.map((arena) => arena.values));
  const gradientChunks = (group: Group): Value[] => (accumulates ? group.chunks.sum : group.chunks.gradient);

  return {
    weights: values(groups.map((group) => group.weight)),
    gradients: values(groups.map((group) => group.gradient)),
    slots: Object.fromEntries(optimizer.slots.map((slot, i) => [slot, values(groups.map((group) => group.slots[i]!))])),

    async accumulate(first) {
      for (const group of groups) {
        for (let i = 0; i < group.chunks.sum.length; i++) {
          const sum = group.chunks.sum[i]!;
          if (first) await sum.write(group.blank);
          await group.programs.accumulate!.run({ sum, gradient: group.chunks.gradient[i]! }, { 'new:sum': sum });
        }
      }
    },

    async gradientNorm() {
      await total.write(zero);
      for (const group of groups) {
        for (const gradient of gradientChunks(group))
          await group.programs.norm.run({ gradient, before: total }, { sum: total });
      }
      return Math.sqrt((await total.read(totalOnHost)).data[0] as number);
    },

    async update(numbers: UpdateNumbers) {
      await scalars.set(numbers);
      for (const group of groups) {
        const fixed = scalars.inputs(group.programs.update, group);
        const gradients = gradientChunks(group);
        for (let i = 0; i < gradients.length; i++) {
          const weight = group.chunks.weight[i]!;
          const inputs: Record<string, Value> = { ...fixed, weight, gradient: gradients[i]! };
          const outputs: Record<string, Value> = { 'new:weight': weight };
          optimizer.slots.forEach((slot, s) => (inputs[slot] = outputs[`new:${slot}`] = group.chunks.slots[s]![i]!));
          await group.programs.update.run(inputs, outputs);
        }
      }
    },

    dispose() {
      scalars.dispose();
      total.dispose();
      for (const { programs, weight, gradient, sum, slots } of groups) {
        for (const program of [programs.update, programs.norm, programs.accumulate]) program?.dispose();
        for (const arena of [weight, gradient, sum, ...slots]) arena?.dispose();
      }
    },
  };
}
