import { afterAll, beforeAll, describe, it } from 'vitest';
import { createRuntime } from '../../src/runtime/node/index.ts';
import type { Runtime } from '../../src/runtime/types.ts';
import {
  clipLoss,
  prototypeLoss,
  sameClass,
  sharedTargets,
  siglipLoss,
  truthLoss,
} from '../../src/train/objectives/contrastive.ts';
import { type Build, checkCase, checkDifferences } from './check-gradients.ts';
import { loadFixtures } from './fixtures.ts';

const LOSSES: Readonly<Record<string, Build>> = {
  clip: ({ vision, text, log_scale, concepts }) => ({
    loss: clipLoss(vision!, text!, log_scale!, sharedTargets(sameClass(concepts!))),
  }),
  siglip: ({ vision, text, log_scale, bias, concepts }) => ({
    loss: siglipLoss(vision!, text!, log_scale!, bias!, sameClass(concepts!)),
  }),
  prototypes: ({ features, vectors, log_scale, concepts }) => ({
    loss: prototypeLoss(features!, vectors!, log_scale!, concepts!),
  }),
  truths: ({ features, vectors, log_scale, truth }) => ({
    loss: truthLoss(features!, vectors!, log_scale!, truth!),
  }),
};

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1, backend: 'c-api' });
});
afterAll(async () => {
  await runtime.dispose();
});

const cases = await loadFixtures('losses');

describe('contrastive losses', () => {
  it.each(cases)('$name against PyTorch in float64', async (fixture) => {
    await checkCase(runtime, fixture, LOSSES[fixture.op]!);
  });

  it.each(cases)('$name against central differences', async ({ op, inputs, gradients }) => {
    await checkDifferences(runtime, LOSSES[op]!, inputs, 'float32', Object.keys(gradients));
  });
});
