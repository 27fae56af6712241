/** Frozen weights cost nothing in the backward pass, and weights in few bits are the same numbers there as in the forward pass. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel } from '../../../src/auto/node/open-model.ts';
import { type HostTensor, Random } from '../../../src/core/index.ts';
import { quantizeCheckpoint, readLocated } from '../../../src/hub/node/index.ts';
import type { CausalLM } from '../../../src/models/index.ts';
import { AdaptedModel, attachLora, type LoraConfig, type Recompute } from '../../../src/nn/index.ts';
import { ModelProtoSchema } from '../../../src/onnx/generated/onnx_pb.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import { runOnce } from '../../../src/runtime/run-once.ts';
import type { Runtime } from '../../../src/runtime/types.ts';
import type { Trainable } from '../../../src/train/objective.ts';
import { gradientGraph, SEED } from '../../../src/train/step-graph.ts';
import { distance } from '../../parity/check-gradients.ts';
import { nextTokenLoss } from '../../tunable.ts';
import { integers } from '../evaluate.ts';

const LLAMA = fileURLToPath(new URL('../../parity/fixtures/decoders/llama', import.meta.url));
const IDS = integers([1, 9], [5, 17, 33, 8, 91, 44, 3, 70, 12]);
const SIGNATURE = { ids: { dtype: 'int64', shape: [1, 9] } } as const;
const ALL: LoraConfig = { rank: 2, alpha: 4, targets: 'all-linear' };

let runtime: Runtime;
let scratch: string;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  scratch = await mkdtemp(join(tmpdir(), 'frozen-'));
});
afterAll(async () => {
  await runtime.dispose();
  await rm(scratch, { recursive: true });
});

async function llama(folder: string, config: LoraConfig) {
  const { architecture, weights } = await openModel(folder);
  const model = architecture.model as CausalLM;
  model.parameters();
  const adapter = attachLora(model, config);
  const values = await adapter.firstValues(new Random(1), (path, shape) => readLocated(weights, path, shape));
  // B is zero at first, and then A has no gradient.
  for (const [path, { data }] of Object.entries(values)) {
    const random = new Random(2).fork(path);
    if (path.includes('lora_B'))
      for (let i = 0; i < data.length; i++) (data as Float32Array)[i] = 0.3 * random.normal();
  }
  const trainable: Trainable = {
    model: new AdaptedModel(model, [adapter]),
    loss: ({ ids }) => ({ loss: nextTokenLoss(model.read(ids!), ids!), figures: {} }),
  };
  return { model, weights, adapter, values, trainable };
}

/** Loss and gradients, with weights in their files or, with `loose`, given as float32. */
async function gradientsOf(
  folder: string,
  config: LoraConfig,
  { loose = false, recompute }: { loose?: boolean; recompute?: Recompute } = {},
): Promise<Record<string, HostTensor>> {
  const { model, weights, adapter, values, trainable } = await llama(folder, config);
  const given: Record<string, HostTensor> = {
    ids: IDS,
    [SEED]: { dtype: 'int32', shape: [], data: new Int32Array(1) },
  };
  if (loose) for (const [path, { shape }] of model.parameters()) given[path] = await readLocated(weights, path, shape);
  const graph = gradientGraph(trainable, SIGNATURE, adapter.parameters() as never, 'cpu', {
    frozen: loose ? undefined : weights,
    recompute,
  });
  const source = loose ? graph : { ...graph, externalFolder: weights.folder };
  const program = await runtime.compile(source, { optimization: 'disabled', disablePrepacking: true });
  const needed = program.inputs.map(({ name }) => [name, given[name] ?? values[name]!] as const);
  const results = await runOnce(runtime, program, Object.fromEntries(needed));
  program.dispose();
  return results;
}

function agree(found: Record<string, HostTensor>, right: Record<string, HostTensor>, tolerance: number): void {
  expect(Object.keys(found)).toEqual(Object.keys(right));
  for (const [name, tensor] of Object.entries(right))
    expect(distance(found[name]!, tensor), name).toBeLessThan(tolerance);
}

describe('frozen weights', () => {
  it('lie in their files, and the program asks for no values of them', async () => {
    const { weights, adapter, trainable } = await llama(LLAMA, ALL);
    const graph = gradientGraph(trainable, SIGNATURE, adapter.parameters() as never, 'cpu', { frozen: weights });
    expect([...graph.parameters].sort()).toEqual([...adapter.parameters().keys()].sort());
    agree(await gradientsOf(LLAMA, ALL), await gradientsOf(LLAMA, ALL, { loose: true }), 1e-6);
  });

  it('have no gradients, and the backward pass ends below the lowest layer that is trained', async () => {
    const nodes = async (config: LoraConfig): Promise<number> => {
      const { weights, adapter, trainable } = await llama(LLAMA, config);
      const { bytes } = gradientGraph(trainable, SIGNATURE, adapter.parameters() as never, 'cpu', { frozen: weights });
      const { node, output } = fromBinary(ModelProtoSchema, bytes).graph!;
      // Nothing is computed that nobody reads.
      const read = new Set([...node.flatMap((one) => one.input), ...output.map(({ name }) => name)]);
      for (const { opType, output: names } of node)
        expect(
          names.some((name) => read.has(name)),
          opType,
        ).toBe(true);
      // A weight's gradient would have its shape: none but those of the adapter are asked for.
      expect(output.filter(({ name }) => name.startsWith('gradient:')).length).toBe(adapter.parameters().size);
      return node.filter(({ opType }) => /MatMul|Gemm/.test(opType)).length;
    };
    const last = await nodes({ ...ALL, targets: String.raw`model\.layers\.1\.mlp\.down_proj` });
    const upper = await nodes({ ...ALL, targets: String.raw`model\.layers\.1\..*_proj` });
    const both = await nodes(ALL);
    // Of a layer with adapters on seven products: 7 + 14 forwards, and at least as many backwards.
    expect(both - upper).toBeGreaterThan(upper - last);
  });

  it.each(['attention', 'layers'] as const)(
    'give the same gradients where %s are computed again',
    async (recompute) => {
      agree(await gradientsOf(LLAMA, ALL, { recompute }), await gradientsOf(LLAMA, ALL), 1e-6);
    },
  );
});

describe('weights in few bits', () => {
  it.each(['int4', 'int8'] as const)('of %s have the gradients of the numbers that they stand for', async (form) => {
    const folder = join(scratch, form);
    await quantizeCheckpoint(LLAMA, folder, { default: form });
    for (const config of [ALL, { ...ALL, dora: true }])
      agree(await gradientsOf(folder, config), await gradientsOf(folder, config, { loose: true }), 1e-5);
  });
});
