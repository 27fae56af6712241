/** Sensorium's side of `bench generate`, in a process of its own so that its peak memory can be read; see Peer. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { hostTensor } from '../src/core/index.ts';
import { Decoding } from '../src/generate/decoding.ts';
import type { DecodingState } from '../src/generate/decoding-state.ts';
import { Sampler } from '../src/generate/sampling.ts';
import { input } from '../src/graph/index.ts';
import { openCheckpoint } from '../src/hub/node/index.ts';
import { lower } from '../src/onnx/index.ts';
import { createRuntime } from '../src/runtime/node/index.ts';
import { median } from './types.ts';
import { encoderKey, smolVlm, TEXT, textKey, VISION } from './workloads/smolvlm.ts';

const [folder, quantized, threads, tiles, context] = process.argv.slice(2) as [string, string, string, string, string];
const runtime = await createRuntime({ threads: Number(threads) });
const checkpoint = await openCheckpoint(folder);
const { places } = checkpoint.tensors;
const { encoder, text } = smolVlm();

const seconds = async (run: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1000;
};
/** The same tokens on every side. */
const prompt = Array.from({ length: Number(context) }, (_, i) => (i * 7919 + 13) % TEXT.vocabularySize);

async function picture(): Promise<() => Promise<Float32Array>> {
  encoder.parameters();
  const features = encoder.forward(input('pixels', 'float32', ['tiles', 3, VISION.imageSize, VISION.imageSize]));
  const source = lower({ features }, { external: (name) => places.get(encoderKey(name)) });
  const program = await runtime.compile({ ...source, externalFolder: checkpoint.folder }, { optimization: 'all' });
  const pixels = hostTensor('float32', [Number(tiles), 3, VISION.imageSize, VISION.imageSize]);
  // The same numbers on every side, exactly.
  for (let i = 0; i < pixels.data.length; i++) pixels.data[i] = ((i * 7919) % 65_536) / 32_768 - 1;
  return async () => {
    const value = await runtime.allocate('float32', pixels.shape, pixels);
    const { features } = await program.run({ pixels: value });
    const { data } = await features!.read();
    value.dispose();
    features!.dispose();
    return data as Float32Array;
  };
}

class Answers {
  readonly #decoding: Decoding;
  readonly #state: DecodingState;
  #last = 0;

  constructor(decoding: Decoding, state: DecodingState) {
    this.#decoding = decoding;
    this.#state = state;
  }

  static async create(from: string): Promise<Answers> {
    const { tensors, weights } = await openCheckpoint(from);
    await weights.close();
    const located = new Map([...text.parameters().keys()].map((path) => [path, tensors.places.get(textKey(path))!]));
    const decoding = await Decoding.create(runtime, text, { folder: tensors.folder, places: located });
    return new Answers(decoding, await decoding.start(1, prompt.length + 64));
  }

  async prefill(): Promise<number> {
    this.#state.rewind(0);
    const { data } = await this.#state.read([prompt]);
    this.#last = new Sampler({}).next(data);
    return this.#last;
  }

  /** @returns the tokens */
  async decode(count: number): Promise<number[]> {
    if (this.#state.lengths[0] === 0) await this.prefill();
    this.#state.rewind(prompt.length);
    const sampler = new Sampler({});
    let token = this.#last;
    const tokens = [];
    for (let i = 0; i < count; i++) {
      token = sampler.next((await this.#state.read([[token]])).data);
      tokens.push(token);
    }
    return tokens;
  }

  /** Seconds of each token of a long answer, and how much memory grows from its 100th token on. */
  async long(count: number): Promise<{ times: number[]; growth: number }> {
    const state = await this.#decoding.start(1, count + 2);
    const sampler = new Sampler({});
    let token = 1;
    const times = [];
    let early = 0;
    for (let i = 0; i < count; i++) {
      if (i === 100) early = status('RssAnon');
      const start = performance.now();
      token = sampler.next((await state.read([[token]])).data);
      times.push((performance.now() - start) / 1000);
    }
    const growth = status('RssAnon') - early;
    state.dispose();
    return { times, growth };
  }
}

const status = (key: string): number =>
  Number(new RegExp(`${key}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) * 1024;
const encode = await picture();
const models = { fp32: await Answers.create(folder), int4: await Answers.create(quantized) };
for (const model of Object.values(models)) await model.decode(2);

async function answer(command: string, count: number, form: 'fp32' | 'int4'): Promise<Record<string, unknown>> {
  if (command === 'memory') return { peak_rss: status('VmHWM') };
  const answers = models[form];
  if (command === 'long') {
    return await answers.long(count);
  }
  if (command === 'decode') {
    await answers.decode(1);
    let tokens: number[] = [];
    const time = await seconds(async () => (tokens = await answers.decode(count)));
    return { seconds: time / count, tokens };
  }
  const times = [];
  let result: unknown;
  for (let i = 0; i < count; i++)
    times.push(
      await seconds(async () => {
        result = command === 'encode' ? [...(await encode()).subarray(0, 8)] : await answers.prefill();
      }),
    );
  return { seconds: median(times), result };
}

process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const [command, count = '1', form = 'fp32'] = line.split(' ') as [string, string?, ('fp32' | 'int4')?];
  if (command === 'quit') break;
  process.stdout.write(`${JSON.stringify(await answer(command, Number(count), form))}\n`);
}
process.exit(0);
