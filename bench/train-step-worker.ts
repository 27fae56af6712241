/** Sensorium's side of `bench train-step`, in a process of its own so that its peak memory can be read; see Peer. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { hostTensor, type HostTensor, Random } from '../src/core/index.ts';
import { createRuntime } from '../src/runtime/node/index.ts';
import type { Trainable } from '../src/train/objective.ts';
import { adamW } from '../src/train/optimizers.ts';
import { signatureOf } from '../src/train/signature.ts';
import { TrainingStep } from '../src/train/step.ts';
import { productSeconds } from './product-rate.ts';
import { median } from './types.ts';
import { Gpt, GPT } from './workloads/gpt.ts';
import { PRODUCTS } from './workloads/products.ts';
import { VIT, VitClassifier } from './workloads/vit.ts';

const [workload, threads] = process.argv.slice(2) as ['gpt' | 'vit', string];
const random = new Random(1);

function integers(shape: number[], bound: number): HostTensor {
  const count = shape.reduce((a, b) => a * b, 1);
  return hostTensor(
    'int64',
    shape,
    BigInt64Array.from({ length: count }, () => BigInt(random.integer(bound))),
  );
}

function pixels(shape: number[]): HostTensor {
  const count = shape.reduce((a, b) => a * b, 1);
  return hostTensor(
    'float32',
    shape,
    Float32Array.from({ length: count }, () => random.normal()),
  );
}

function gpt(): [Trainable, Record<string, HostTensor>] {
  const model = new Gpt('gelu');
  const shape = [GPT.batch, GPT.length];
  const batch = { ids: integers(shape, GPT.vocabulary), labels: integers(shape, GPT.vocabulary) };
  return [{ model, loss: ({ ids, labels }) => ({ loss: model.forward(ids!, labels!), figures: {} }) }, batch];
}

function vit(): [Trainable, Record<string, HostTensor>] {
  const model = new VitClassifier();
  const batch = { pixels: pixels([VIT.batch, 3, VIT.size, VIT.size]), labels: integers([VIT.batch], VIT.classes) };
  return [
    { model, loss: (inputs) => ({ loss: model.forward(inputs['pixels']!, inputs['labels']!), figures: {} }) },
    batch,
  ];
}

const [trainable, batch] = workload === 'vit' ? vit() : gpt();
const signature = signatureOf({ tensors: batch, ids: [] });
const runtime = await createRuntime({ threads: Number(threads) });
const training = await TrainingStep.create(runtime, trainable, signature, trainable.model.initialize(random), {
  optimizer: adamW(),
  weightDecay: 0.1,
});

let step = 0;
async function steps(count: number): Promise<{ seconds: number; losses: number[] }> {
  const seconds: number[] = [];
  const losses: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    losses.push((await training.run([batch], { step: step++, seed: 1, learningRate: 3e-4 })).loss);
    seconds.push((performance.now() - start) / 1000);
  }
  return { seconds: median(seconds), losses };
}

await steps(3);
process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const [command, count] = line.split(' ');
  if (command === 'quit') break;
  const peak = (): number => Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) * 1024;
  const answer =
    command === 'memory'
      ? { peak_rss: peak() }
      : command === 'products'
        ? { seconds: await productSeconds(runtime, PRODUCTS[workload]) }
        : await steps(Number(count));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
