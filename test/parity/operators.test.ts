import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gradientRules } from '../../src/autodiff/rules.ts';
import { noGradient, notDifferentiable } from '../../src/autodiff/rules/shared.ts';
import type { Node } from '../../src/graph/index.ts';
import { createRuntime } from '../../src/runtime/node/index.ts';
import type { Runtime } from '../../src/runtime/types.ts';
import { checkCase, checkDifferences } from './check-gradients.ts';
import { differenceCases, float32Only } from './difference-cases.ts';
import { loadFixtures } from './fixtures.ts';
import { builders, isOffered } from './operator-builders.ts';

const cases = (await loadFixtures('operators')).filter(({ op, attrs }) => isOffered(op, attrs));
const covered = new Set<string>();
const cover = (nodes: readonly Node[]): void => nodes.forEach((node) => covered.add(node.op));

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1, backend: 'c-api' });
});
afterAll(async () => {
  await runtime.dispose();
});

describe('operators against PyTorch in float64', () => {
  it('by the binding too', async () => {
    const binding = await createRuntime({ threads: 1, backend: 'binding' });
    for (const fixture of cases)
      await checkCase(binding, fixture, (inputs) => builders[fixture.op]!({ ...inputs }, fixture.attrs));
    await binding.dispose();
  });

  it.each(cases)('$name', async (fixture) => {
    const builder = builders[fixture.op];
    expect(builder, `nothing in operator-builders.ts computes '${fixture.op}'`).toBeDefined();
    cover(await checkCase(runtime, fixture, (inputs) => builder!({ ...inputs }, fixture.attrs)));
  });
});

describe('central differences', () => {
  // Large numbers make differences meaningless; PyTorch's values are what checks those cases.
  const small = cases.filter(({ name }) => !/extremes|large/.test(name));
  it.each(small)('$name', async ({ op, attrs, inputs, gradients }) => {
    const dtype = float32Only.has(op) ? 'float32' : 'float64';
    await checkDifferences(
      runtime,
      (tensors) => builders[op]!({ ...tensors }, attrs),
      inputs,
      dtype,
      Object.keys(gradients),
    );
  });

  it.each(differenceCases)('$name', async ({ build, inputs, dtype }) => {
    cover(await checkDifferences(runtime, build, inputs, dtype));
  });

  it('float64 is used wherever the engine has the kernels', async () => {
    for (const op of float32Only) {
      const { attrs, inputs } = small.find((fixture) => fixture.op === op)!;
      const attempt = checkDifferences(runtime, (tensors) => builders[op]!({ ...tensors }, attrs), inputs, 'float64');
      await expect(attempt, op).rejects.toThrow();
    }
  });
});

it('every operator that has a gradient was checked', () => {
  const rules = Object.entries(gradientRules) as [string, unknown][];
  const differentiable = rules
    .filter(([, rule]) => rule !== noGradient && rule !== notDifferentiable)
    .map(([op]) => op);
  expect(differentiable.filter((op) => !covered.has(op))).toEqual([]);
  expect(differentiable.length).toBeGreaterThan(40);
});
