/**
 * Loads a checkpoint, reads a prompt and writes some tokens; commands and answers as lines, for `Peer`:
 * node load-worker.js FOLDER THREADS
 */
import { createInterface } from 'node:readline';
import { argv, stdin, stdout } from 'node:process';
import { LanguageModel } from '../src/auto/index.ts';
import { load, openModel } from '../src/auto/node/index.ts';
import { byteSize, elementCount } from '../src/core/index.ts';
import { generate } from '../src/generate/index.ts';
import type { WeightPlace } from '../src/hub/node/index.ts';

const [, , folder, threads] = argv as unknown as [string, string, string, string];
const PROMPT = 64;
const NEW = 32;

const say = (answer: object): void => void stdout.write(`${JSON.stringify(answer)}\n`);
let model: LanguageModel | undefined;

/** Bytes of a weight as it is computed with. */
function computedBytes({ quantized, length, shape }: WeightPlace): number {
  if (quantized === undefined) return elementCount(shape) * byteSize('float32');
  return length + quantized.scales.length + (quantized.zeroPoints?.length ?? 0);
}

say({ ready: true });
for await (const line of createInterface({ input: stdin })) {
  if (line === 'load') {
    const start = performance.now();
    const loaded = await load(folder, { threads: Number(threads) });
    if (!(loaded instanceof LanguageModel)) throw new Error(`${folder} does not write texts`);
    model = loaded;
    const seconds = (performance.now() - start) / 1000;
    const { weights } = await openModel(folder);
    say({ seconds, weights: [...weights.places.values()].reduce((sum, place) => sum + computedBytes(place), 0) });
  } else if (line === 'generate') {
    const prompt = Array.from({ length: PROMPT }, (_, i) => 3 + (i % 200));
    let first = 0;
    let last = 0;
    for await (const _ of generate(model!.parts.decoding, [prompt], { maxNewTokens: NEW })) {
      last = performance.now();
      first ||= last;
    }
    say({ tokensPerSecond: ((NEW - 1) * 1000) / (last - first) });
  }
}
