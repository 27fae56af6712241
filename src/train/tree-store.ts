import { hostTensor } from '../core/index.ts';
import type { Value } from '../runtime/types.ts';
import { ruleOf } from './optimizers.ts';
import { treeAccumulateGraph, treeNormGraph, treeUpdateGraph } from './step-graph.ts';
import { type StoreContext, UpdateScalars, type WeightStore } from './weight-store.ts';

/** Every weight as a value of its own, all updated by one program: for WebGPU, browsers and the JavaScript binding. */
export async function createTreeStore(context: StoreContext): Promise<WeightStore> {
  const { runtime, device, optimizer, trained, rates, accumulates, compileOptions } = context;
  const make = async (): Promise<Record<string, Value>> => {
    const values: Record<string, Value> = {};
    for (const [name, { shape }] of trained) values[name] = await runtime.allocate('float32', shape);
    return values;
  };
  const weights = await make();
  const gradients = await make();
  const sums = accumulates ? await make() : gradients;
  const slots: Record<string, Record<string, Value>> = {};
  for (const [name, parameter] of trained) {
    for (const slot of ruleOf(optimizer, parameter).slots)
      (slots[slot] ??= {})[name] = await runtime.allocate('float32', parameter.shape);
  }

  const updateProgram = await runtime.compile(treeUpdateGraph(optimizer, trained, rates, device), compileOptions);
  const normProgram = await runtime.compile(treeNormGraph(trained, device), compileOptions);
  const accumulateProgram = accumulates
    ? await runtime.compile(treeAccumulateGraph(trained, device), compileOptions)
    : undefined;
  const scalars = await UpdateScalars.create(runtime, optimizer, [1, ...rates.values()]);
  const norm = await runtime.allocate('float32', []);

  const prefixed = (prefix: string, values: Readonly<Record<string, Value>>): Record<string, Value> =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}:${name}`, value]));

  return {
    weights,
    gradients,
    slots,
    async accumulate(first) {
      if (first) for (const [name, { shape }] of trained) await sums[name]!.write(hostTensor('float32', shape));
      await accumulateProgram!.run(
        { ...prefixed('sum', sums), ...prefixed('gradient', gradients) },
        prefixed('new:sum', sums),
      );
    },
    async gradientNorm() {
      await normProgram.run(prefixed('gradient', sums), { norm });
      return (await norm.read()).data[0] as number;
    },
    async update(numbers) {
      await scalars.set(numbers);
      const inputs = {
        ...scalars.inputs(updateProgram),
        ...prefixed('weight', weights),
        ...prefixed('gradient', sums),
      };
      const outputs = prefixed('new:weight', weights);
      for (const [slot, values] of Object.entries(slots)) {
        Object.assign(inputs, prefixed(slot, values));
        Object.assign(outputs, prefixed(`new:${slot}`, values));
      }
      await updateProgram.run(inputs, outputs);
    },
    dispose() {
      scalars.dispose();
      norm.dispose();
      for (const program of [updateProgram, normProgram, accumulateProgram]) program?.dispose();
      for (const values of [weights, gradients, sums, ...Object.values(slots)])
        for (const value of Object.values(values)) value.dispose();
    },
  };
}
