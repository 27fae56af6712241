// What the JavaScript peers share: arguments, numbers to start from, and the line protocol of torch_train_step.py.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

// Answers alone go to standard output; whatever libraries print goes to stderr.
console.log = console.info = console.warn = console.error;

/** Sizes of the transformer and of its run; every one may be set by `--name value`. */
export function readArguments() {
  const defaults = {
    layers: 6,
    width: 256,
    heads: 4,
    tokens: 128,
    batch: 16,
    vocabulary: 2048,
    threads: 2,
    warmup: 2,
    seed: 0,
    lr: 3e-4,
    decay: 0.1,
  };
  const options = { modules: { type: 'string' }, gelu: { type: 'string', default: 'tanh' } };
  for (const name of Object.keys(defaults)) options[name] = { type: 'string' };
  const { values } = parseArgs({ options });
  const result = { ...defaults, gelu: values.gelu };
  for (const name of Object.keys(defaults)) if (values[name] !== undefined) result[name] = Number(values[name]);
  if (values.modules === undefined)
    fail('give --modules DIR, the node_modules folder that holds the peer (see the top of this file)');
  return { ...result, modules: values.modules };
}

/** Says on standard output why the peer cannot run, and ends. */
export function fail(reason) {
  process.stdout.write(`${JSON.stringify({ ready: false, error: String(reason) })}\n`);
  process.exit(1);
}

/** Seeded numbers (mulberry32), uniform in [0, 1), and normal ones by Box and Muller. */
export function random(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal };
}

/**
 * Shapes of the weights by name, [inputs, outputs] for products, and how each starts. `decay` is false for biases,
 * normalisations and positions.
 */
export function weightsOf({ layers, width, tokens, vocabulary }) {
  const list = [];
  const add = (name, shape, start, decay = start === 'normal') => list.push({ name, shape, start, decay });
  const linear = (name, inputs, outputs) => {
    add(`${name}.weight`, [inputs, outputs], 'normal');
    add(`${name}.bias`, [outputs], 'zeros');
  };
  const norm = (name) => {
    add(`${name}.weight`, [width], 'ones');
    add(`${name}.bias`, [width], 'zeros');
  };
  add('embed_tokens', [vocabulary, width], 'normal');
  add('embed_positions', [tokens, width], 'normal', false);
  for (let i = 0; i < layers; i++) {
    norm(`layers.${i}.norm1`);
    linear(`layers.${i}.q`, width, width);
    linear(`layers.${i}.k`, width, width);
    linear(`layers.${i}.v`, width, width);
    linear(`layers.${i}.out`, width, width);
    norm(`layers.${i}.norm2`);
    linear(`layers.${i}.fc1`, width, 4 * width);
    linear(`layers.${i}.fc2`, 4 * width, width);
  }
  norm('norm');
  add('head', [width, vocabulary], 'normal');
  return list;
}

/** The numbers that one weight starts from. */
export function startOf({ shape, start }, { normal }) {
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  if (start === 'ones') data.fill(1);
  if (start === 'normal') for (let i = 0; i < data.length; i++) data[i] = 0.02 * normal();
  return data;
}

/** Ids and the ids that follow them, [batch · tokens] each. */
export function batchOf({ batch, tokens, vocabulary }, { uniform }) {
  const ids = new Int32Array(batch * tokens);
  const targets = new Int32Array(batch * tokens);
  for (let b = 0; b < batch; b++) {
    const row = Int32Array.from({ length: tokens + 1 }, () => Math.floor(uniform() * vocabulary));
    ids.set(row.subarray(0, tokens), b * tokens);
    targets.set(row.subarray(1), b * tokens);
  }
  return { ids, targets };
}

function peakRss() {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}

/** Warms up, says `ready`, then answers `step N`, `memory` and `quit`. `step` runs one step and gives the loss. */
export async function serve(facts, { warmup }, step) {
  const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
  const start = performance.now();
  const warmupLosses = [];
  try {
    for (let i = 0; i < warmup; i++) warmupLosses.push(await step());
  } catch (error) {
    fail(error?.stack ?? error);
  }
  answer({ ready: true, ...facts, warmup_losses: warmupLosses, warmup_seconds: (performance.now() - start) / 1000 });
  for await (const line of createInterface({ input: process.stdin })) {
    const [command, count] = line.trim().split(/\s+/);
    if (command === 'step') {
      const all = [];
      const losses = [];
      for (let i = 0; i < Number(count ?? 1); i++) {
        const from = performance.now();
        losses.push(await step());
        all.push((performance.now() - from) / 1000);
      }
      answer({ seconds: all.toSorted((a, b) => a - b)[all.length >> 1], all, losses });
    } else if (command === 'memory') answer({ peak_rss: peakRss() });
    else if (command === 'quit') break;
    else if (command) answer({ error: `unknown command ${command}: step N, memory or quit` });
  }
  process.exit(0);
}
