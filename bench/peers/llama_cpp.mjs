// llama.cpp's side of `bench generate`: the language model of a checkpoint in Q4_0, through the library and the binding
// that the package @node-llama-cpp/linux-x64 carries (npm install --ignore-scripts @node-llama-cpp/linux-x64).
//
//     node llama_cpp.mjs FOLDER --modules DIR [--threads 2] [--context 1024]
//
//     -> prefill N        <- {"seconds": median seconds of reading the prompt, "result": the token after it}
//     -> decode N         <- {"seconds": seconds a token, over N tokens after the prompt, "tokens": [...]}
//     -> memory           <- {"peak_rss": bytes}
//
// Its cache of keys and values is in float16 and flash attention is as it chooses, both its defaults.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { writeGguf } from './gguf.mjs';
import { fail } from './protocol.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    modules: { type: 'string' },
    threads: { type: 'string', default: '2' },
    context: { type: 'string', default: '1024' },
  },
});
const folder = positionals[0];
if (folder === undefined || options.modules === undefined) fail('give the folder of a checkpoint and --modules DIR');
const bins = join(resolve(options.modules), '@node-llama-cpp', 'linux-x64', 'bins', 'linux-x64');
if (!existsSync(bins)) fail(`${options.modules} holds no @node-llama-cpp/linux-x64`);
const file = join(folder, 'text.q4_0.gguf');
if (!existsSync(file)) writeGguf(folder, file);
const { vocab_size: vocabulary } = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')).text_config;
const context = Number(options.context);
const prompt = Uint32Array.from({ length: context }, (_, i) => (i * 7919 + 13) % vocabulary);

const binding = createRequire(import.meta.url)(join(bins, 'llama-addon.node'));
binding.setLogger((level, message) => process.stderr.write(message));
binding.loadBackends();
binding.loadBackends(bins);
await binding.init();
const model = new binding.AddonModel(file, { gpuLayers: 0, useMmap: true, addonExports: binding });
if (!(await model.init())) fail('llama.cpp refuses the model');
const state = new binding.AddonContext(model, {
  contextSize: Math.ceil((context + 64) / 256) * 256,
  batchSize: 512,
  sequences: 1,
  threads: Number(options.threads),
  flashAttention: 'auto',
});
if (!(await state.init())) fail('llama.cpp cannot make a context');
const sampler = new binding.AddonSampler(model);
sampler.applyConfig({ temperature: 0 });

/** Reads tokens at a position and gives the likeliest one after them. */
async function read(tokens, position) {
  state.initBatch(tokens.length);
  const [index] = state.addToBatch(0, position, tokens, Uint32Array.of(tokens.length - 1));
  await state.decodeBatch();
  return await state.sampleToken(index, sampler);
}

let last;
async function prefill() {
  state.disposeSequence(0);
  for (let from = 0; from < context; from += 512) last = await read(prompt.subarray(from, from + 512), from);
  return last;
}

async function decode(count) {
  state.removeTokenCellsFromSequence(0, context, context + 64);
  const tokens = [];
  let token = last;
  for (let i = 0; i < count; i++) {
    token = await read(Uint32Array.of(token), context + i);
    tokens.push(token);
  }
  return tokens;
}

const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
await prefill();
await decode(2);
answer({ ready: true, system: binding.systemInfo(), model: model.getModelDescription() });
for await (const line of createInterface({ input: process.stdin })) {
  const [command, times] = line.trim().split(/\s+/);
  const count = Number(times ?? 1);
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  if (command === 'prefill') {
    let result;
    for (let i = 0; i < count; i++) result = await prefill();
    answer({ seconds: seconds() / count, result });
  } else if (command === 'decode') {
    await decode(1);
    const from = performance.now();
    const tokens = await decode(count);
    answer({ seconds: (performance.now() - from) / 1000 / count, tokens });
  } else if (command === 'memory') {
    answer({ peak_rss: Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) * 1024 });
  } else if (command === 'quit') break;
  else answer({ error: `unknown command ${command}: prefill N, decode N, memory or quit` });
}
process.exit(0);
