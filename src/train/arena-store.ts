import { DeviceError, elementCount, hostTensor, type HostTensor } from '../core/index.ts';
import type { LoweredGraph } from '../onnx/index.ts';
import type { Arena, Program, Value } from '../runtime/types.ts';
import { ruleOf, type UpdateRule } from './optimizers.ts';
import { accumulateGraph, squaredNormGraph, updateGraph } from './step-graph.ts';
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

/** One run of an update program: of a chunk of a group, or of one matrix. */
interface Update {
  readonly program: Program;
  readonly inputs: Readonly<Record<string, Value>>;
  readonly outputs: Readonly<Record<string, Value>>;
}

/** Weights of equal rule, decay and learning rate side by side. */
interface Group {
  readonly programs: { readonly norm: Program; readonly accumulate: Program | undefined };
  readonly blank: HostTensor;
  readonly weight: Arena;
  readonly gradient: Arena;
  readonly sum: Arena | undefined;
  /** By name. */
  readonly slots: Readonly<Record<string, Arena>>;
  readonly chunks: { readonly gradient: Value[]; readonly sum: Value[] };
  readonly updates: readonly Update[];
}

/**
 * All weights as vectors, updated in place: chunk by chunk, or matrix by matrix where the optimiser has a rule for these.
 * In place is exact here: results are written by elementwise operators, and each only after the last operator that reads
 * what it replaces.
 */
export async function createArenaStore(context: StoreContext): Promise<WeightStore> {
  const { runtime, device, optimizer, trained, rates, accumulates, compileOptions } = context;
  const groups: Group[] = [];
  const programs: Program[] = [];
  const compile = async (graph: LoweredGraph): Promise<Program> => {
    const program = await runtime.compile(graph, { ...compileOptions, inPlace: true });
    programs.push(program);
    return program;
  };
  const ofShapes = new Map<string, Program>();
  /** One program for all matrices of a shape. */
  const matrixProgram = async (rule: UpdateRule, shape: readonly number[]): Promise<Program> => {
    const key = shape.join(',');
    const program = ofShapes.get(key) ?? (await compile(updateGraph(rule, shape, device)));
    ofShapes.set(key, program);
    return program;
  };
  const rateOf = (name: string): number => rates.get(name) ?? 1;
  const factors = [...new Set([...trained.keys()].map(rateOf))];
  const scalars = await UpdateScalars.create(runtime, optimizer, factors);
  const rules = optimizer.matrices === undefined ? [optimizer] : [optimizer, optimizer.matrices];
  const kinds = [true, false].flatMap((decay) =>
    factors.flatMap((rate) => rules.map((rule) => ({ decay, rate, rule }))),
  );
  for (const kind of kinds) {
    const { decay, rate, rule } = kind;
    const specs = [...trained]
      .filter(([name, parameter]) => parameter.decay === decay && rateOf(name) === rate)
      .filter(([, parameter]) => ruleOf(optimizer, parameter) === rule)
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
    const slots: Record<string, Arena> = {};
    for (const slot of rule.slots) slots[slot] = await make();
    const chunks = { gradient: gradient.chunks(length), sum: sum?.chunks(length) ?? [] };
    const summed = accumulates ? chunks.sum : chunks.gradient;

    const update = (program: Program, from: Value, kept: Readonly<Record<string, Value>>): Update => ({
      program,
      inputs: { ...scalars.inputs(program, kind), gradient: from, ...kept },
      outputs: Object.fromEntries(Object.entries(kept).map(([name, value]) => [`new:${name}`, value])),
    });
    const kept = Object.entries({ weight, ...slots });
    const updates: Update[] = [];
    if (rule === optimizer) {
      const program = await compile(updateGraph(rule, [length], device));
      const parts = kept.map(([name, arena]) => [name, arena.chunks(length)] as const);
      for (const [i, from] of summed.entries())
        updates.push(update(program, from, Object.fromEntries(parts.map(([name, values]) => [name, values[i]!]))));
    } else {
      for (const { name, shape } of specs) {
        const program = await matrixProgram(rule, shape);
        const own = kept.map(([slot, { values }]) => [slot, values[name]!] as const);
        updates.push(update(program, (sum ?? gradient).values[name]!, Object.fromEntries(own)));
      }
    }
    groups.push({
      programs: {
        norm: await compile(squaredNormGraph(length, device)),
        accumulate: accumulates ? await compile(accumulateGraph(length, device)) : undefined,
      },
      blank: hostTensor('float32', [length]),
      weight,
      gradient,
      sum,
      slots,
      chunks,
      updates,
    });
  }

  const total = await runtime.allocate('float64', []);
  const zero = hostTensor('float64', []);
  const totalOnHost = hostTensor('float64', []);

  const values = (arenas: readonly (Arena | undefined)[]): Record<string, Value> =>
    Object.assign({}, ...arenas.map((arena) => arena?.values));
  const slotNames = [...new Set(rules.flatMap((rule) => rule.slots))];

  return {
    weights: values(groups.map((group) => group.weight)),
    gradients: values(groups.map((group) => group.gradient)),
    slots: Object.fromEntries(slotNames.map((slot) => [slot, values(groups.map((group) => group.slots[slot]))])),

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
      for (const { chunks, programs } of groups) {
        for (const gradient of accumulates ? chunks.sum : chunks.gradient)
          await programs.norm.run({ gradient, before: total }, { sum: total });
      }
      return Math.sqrt((await total.read(totalOnHost)).data[0] as number);
    },

    async update(numbers: UpdateNumbers) {
      await scalars.set(numbers);
      for (const { updates } of groups)
        for (const { program, inputs, outputs } of updates) await program.run(inputs, outputs);
    },

    dispose() {
      scalars.dispose();
      total.dispose();
      for (const program of programs) program.dispose();
      for (const { weight, gradient, sum, slots } of groups)
        for (const arena of [weight, gradient, sum, ...Object.values(slots)]) arena?.dispose();
    },
  };
}
