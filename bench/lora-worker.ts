/** Sensorium's side of `bench lora`, in a process of its own so that its peak memory can be read; see Peer. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { openModel } from '../src/auto/node/open-model.ts';
import { Random } from '../src/core/index.ts';
import type { Idefics3 } from '../src/models/index.ts';
import { attachLora, type Recompute } from '../src/nn/index.ts';
import { createRuntime } from '../src/runtime/node/index.ts';
import { adamW } from '../src/train/optimizers.ts';
import { signatureOf } from '../src/train/signature.ts';
import { TrainingStep } from '../src/train/step.ts';
import { median } from './types.ts';
import { LORA, loraBatch, loraTrainable } from './workloads/lora.ts';

const [folder, threads, recompute] = process.argv.slice(2) as [string, string, Recompute];
const status = (key: string): number =>
  Number(new RegExp(`${key}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) * 1024;

const runtime = await createRuntime({ threads: Number(threads) });
const { architecture, weights } = await openModel(folder);
const model = architecture.model as Idefics3;
model.parameters();
const adapter = attachLora(model, LORA);
const values = await adapter.firstValues(new Random(1), () => {
  throw new Error('LoRA asks for no weights');
});
const batch = loraBatch();
const signature = signatureOf({ tensors: batch, ids: [] });
const training = await TrainingStep.create(runtime, loraTrainable(model, adapter), signature, values, {
  optimizer: adamW(),
  weightDecay: 0,
  frozen: weights,
  recompute,
  groups: (path) => ({ train: adapter.parameters().has(path), rate: 1 }),
});

let step = 0;
async function steps(count: number): Promise<{ seconds: number; cpu: number; losses: number[] }> {
  const seconds: number[] = [];
  const cpu: number[] = [];
  const losses: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    const used = process.cpuUsage();
    losses.push((await training.run([batch], { step: step++, seed: 1, learningRate: 1e-3 })).loss);
    seconds.push((performance.now() - start) / 1000);
    const { user, system } = process.cpuUsage(used);
    cpu.push((user + system) / 1e6);
  }
  return { seconds: median(seconds), cpu: median(cpu), losses };
}

const first = await steps(1);
process.stdout.write(`${JSON.stringify({ ready: true, ...first, start_peak: status('VmHWM') })}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const [command, count] = line.split(' ');
  if (command === 'quit') break;
  // What opening took is left out on both sides.
  if (command === 'reset') writeFileSync('/proc/self/clear_refs', '5');
  const answer =
    command === 'memory' || command === 'reset'
      ? { peak_rss: status('VmHWM'), anonymous: status('RssAnon'), file: status('RssFile') }
      : await steps(Number(count));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
