import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openModel } from '../src/auto/node/index.ts';
import { hostTensor, type HostTensor, Random } from '../src/core/index.ts';
import { input } from '../src/graph/index.ts';
import { readAdapter, readLocated, tensorSources, writeSafetensors } from '../src/hub/node/index.ts';
import type { CausalLM } from '../src/models/index.ts';
import { attachLora, type LoraConfig } from '../src/nn/index.ts';
import { lower } from '../src/onnx/index.ts';
import { createRuntime } from '../src/runtime/node/index.ts';
import { runOnce } from '../src/runtime/run-once.ts';
import { attachStored, saveAdapter } from '../src/train/node/index.ts';
import { makeCheckpoint } from './make-checkpoint.ts';
import type { BenchOptions, Figure } from './types.ts';

export const description =
  'Whether PEFT gives the same logits with adapters that were saved here, and the other way round';

const KINDS: Readonly<Record<string, LoraConfig>> = {
  LoRA: { rank: 4, alpha: 8, targets: 'all-linear', ranks: { up_proj: 2 }, alphas: { v_proj: 3 } },
  rsLoRA: { rank: 4, alpha: 8, targets: 'all-linear', rankStabilized: true },
  DoRA: { rank: 4, alpha: 8, targets: 'all-linear', dora: true },
};
const TOKENS = 24;

/** Adapters with random numbers on tiny random models, saved, opened by PEFT, saved by PEFT, and opened again. */
export async function* run({ python, threads }: BenchOptions): AsyncGenerator<Figure> {
  const peer = 'PEFT';
  if (python === undefined) {
    yield { name: 'logits', value: Number.NaN, unit: '', peer, note: 'left out: give --python a Python that has it' };
    return;
  }
  const scratch = await mkdtemp(join(tmpdir(), 'saved-adapter-'));
  const checker = fileURLToPath(new URL('../../bench/peers/check_saved_adapter.py', import.meta.url));
  try {
    for (const name of ['tiny-llama', 'tiny-qwen2']) {
      const base = join(scratch, name);
      await makeCheckpoint(name, base, 'float32');
      for (const [kind, config] of Object.entries(KINDS)) {
        const [folder, back, file] = ['adapter', 'back', 'logits'].map((part) =>
          join(scratch, `${name} ${kind} ${part}`),
        );
        const logits = await withNewAdapter(base, config, folder!, threads);
        await writeSafetensors(file!, tensorSources(Object.entries({ ids: idsOf(), logits })));
        const { stdout } = await promisify(execFile)(python, [checker, base, folder!, file!, back!]);
        const { difference, effect } = JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, number>;
        const note = `the adapter changes them by ${(effect! * 100).toFixed(0)} %`;
        yield { name: `${name}, ${kind}: there`, value: difference!, unit: 'relative', peer, note };
        const again = await withSavedAdapter(base, back!, threads);
        yield { name: `${name}, ${kind}: and back`, value: distance(again, logits), unit: 'relative', peer };
      }
    }
  } finally {
    await rm(scratch, { recursive: true });
  }
}

async function withNewAdapter(base: string, config: LoraConfig, folder: string, threads: number): Promise<HostTensor> {
  const { architecture, weights } = await openModel(base);
  const model = architecture.model as CausalLM;
  const adapter = attachLora(model, config);
  const values = await adapter.firstValues(new Random(3), (path, shape) => readLocated(weights, path, shape));
  const random = new Random(4);
  for (const [path, { data }] of Object.entries(values))
    for (let i = 0; i < data.length; i++)
      (data as Float32Array)[i] = path.includes('magnitude')
        ? Number(data[i]) * (1 + 0.2 * random.normal())
        : 0.2 * random.normal();
  await saveAdapter(folder, adapter, values, { names: architecture.names, baseModel: 'tiny' });
  return logitsOf(model, weights, values, threads);
}

async function withSavedAdapter(base: string, folder: string, threads: number): Promise<HostTensor> {
  const { architecture, weights } = await openModel(base);
  const model = architecture.model as CausalLM;
  const { values } = attachStored(model, await readAdapter(folder, model.parameters(), architecture.names));
  return logitsOf(model, weights, values, threads);
}

async function logitsOf(
  model: CausalLM,
  weights: Awaited<ReturnType<typeof openModel>>['weights'],
  values: Readonly<Record<string, HostTensor>>,
  threads: number,
): Promise<HostTensor> {
  const runtime = await createRuntime({ threads });
  const logits = model.forward(input('ids', 'int64', [1, TOKENS]));
  const source = lower({ logits }, { external: (name) => weights.places.get(name) });
  const program = await runtime.compile({ ...source, externalFolder: weights.folder }, { optimization: 'basic' });
  const needed = program.inputs.map(({ name }) => [name, name === 'ids' ? idsOf() : values[name]!] as const);
  const results = await runOnce(runtime, program, Object.fromEntries(needed));
  await runtime.dispose();
  return results['logits']!;
}

function idsOf(): HostTensor {
  return hostTensor(
    'int64',
    [1, TOKENS],
    BigInt64Array.from({ length: TOKENS }, (_, i) => BigInt((i * 37 + 5) % 300)),
  );
}

function distance(a: HostTensor, b: HostTensor): number {
  let [difference, size] = [0, 0];
  for (let i = 0; i < a.data.length; i++) {
    difference += (Number(a.data[i]) - Number(b.data[i])) ** 2;
    size += Number(b.data[i]) ** 2;
  }
  return Math.sqrt(difference / size);
}
