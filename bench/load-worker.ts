/**
 * Loads a checkpoint, reads a prompt and writes some tokens; commands and answers as lines, for `Peer`:
 * node load-worker.js FOLDER THREADS
 */
import { createInterface } from 'node:readline';
import { argv, stdin, stdout } from 'node:process';
import { openModel } from '../src/auto/node/index.ts';
import { Decoding, generate } from '../src/generate/index.ts';
import { createRuntime } from '../src/runtime/node/index.ts';

const [, , folder, threads] = argv as unknown as [string, string, string, string];
const PROMPT = 64;
const NEW = 32;

const say = (answer: object): void => void stdout.write(`${JSON.stringify(answer)}\n`);
let decoding: Decoding | undefined;

say({ ready: true });
for await (const line of createInterface({ input: stdin })) {
  if (line === 'load') {
    const start = performance.now();
    const { architecture, weights } = await openModel(folder);
    if (architecture.kind !== 'generating') throw new Error(`${folder} does not write texts`);
    const runtime = await createRuntime({ threads: Number(threads) });
    decoding = await Decoding.create(runtime, architecture.model, weights);
    say({ seconds: (performance.now() - start) / 1000 });
  } else if (line === 'generate') {
    const prompt = Array.from({ length: PROMPT }, (_, i) => 3 + (i % 200));
    let first = 0;
    let last = 0;
    for await (const _ of generate(decoding!, [prompt], { maxNewTokens: NEW })) {
      last = performance.now();
      first ||= last;
    }
    say({ tokensPerSecond: ((NEW - 1) * 1000) / (last - first) });
  }
}
