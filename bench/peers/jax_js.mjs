// @jax-js/jax's side of `bench train-step`: the transformer step on its wasm device, jitted as a whole, fp32.
//
//   mkdir peers && cd peers && npm init -y && npm install @jax-js/jax
//   node jax_js.mjs --modules peers/node_modules [--threads 2] [--batch 16] [--gelu tanh|erf]
//
// Lines as in torch_train_step.py: `ready`, then `step N`, `memory`, `quit`. The library runs several threads only where
// there is a web Worker; Node has none, so one is made here from worker_threads. --threads 1 leaves it out.
import { resolveObjectURL } from 'node:buffer';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker as NodeWorker } from 'node:worker_threads';
import { batchOf, fail, random, readArguments, serve, startOf, weightsOf } from './protocol.mjs';

const options = readArguments();
const { layers, width, heads, tokens, batch, vocabulary, threads, lr, decay } = options;

/** As much of a web Worker as the library uses: a module from a blob, messages both ways. */
class WebWorker {
  #worker;
  onmessage = null;
  onerror = null;

  constructor(url) {
    const prelude = `const { parentPort } = require('node:worker_threads');
      globalThis.self = globalThis;
      globalThis.postMessage = (message) => parentPort.postMessage(message);
      parentPort.on('message', (data) => self.onmessage({ data }));`;
    // Blobs are known to the thread that made them only. Messages wait for the worker.
    this.#worker = resolveObjectURL(String(url))
      .text()
      .then((source) => {
        const worker = new NodeWorker(`${prelude}\n${source}`, { eval: true });
        worker.on('message', (data) => this.onmessage?.({ data }));
        worker.on('error', (error) => fail(error.stack ?? error));
        return worker;
      });
  }

  postMessage(message) {
    this.#worker = this.#worker.then((worker) => {
      worker.postMessage(message);
      return worker;
    });
  }
}

if (threads > 1) {
  globalThis.Worker = WebWorker;
  // The library starts as many workers as this says.
  Object.defineProperty(globalThis, 'navigator', {
    value: { hardwareConcurrency: Math.min(threads, availableParallelism()) },
    configurable: true,
  });
}

// The library uses the helpers of iterators, which Node has since 22.
const iterators = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
iterators.map ??= function* (f) {
  let i = 0;
  for (const item of this) yield f(item, i++);
};
iterators.filter ??= function* (f) {
  let i = 0;
  for (const item of this) if (f(item, i++)) yield item;
};
iterators.toArray ??= function () {
  return [...this];
};

let jax;
try {
  jax = await import(pathToFileURL(resolve(options.modules, '@jax-js/jax/dist/index.js')).href);
} catch (error) {
  fail(`@jax-js/jax is not in ${options.modules}: ${error.message}`);
}
const { numpy: np, nn, jit, valueAndGrad } = jax;
await jax.init('wasm');
jax.defaultDevice('wasm');

// B batch, T tokens, D width, N heads. Every use of an array but its last takes `.ref` (the library counts owners).
const rows = batch * tokens;

function norm(p, name, x) {
  return nn.standardize(x, -1, { epsilon: 1e-5 }).mul(p[`${name}.weight`]).add(p[`${name}.bias`]);
}

function linear(p, name, x) {
  return np.matmul(x, p[`${name}.weight`]).add(p[`${name}.bias`]);
}

function block(p, name, x) {
  const normed = norm(p, `${name}.norm1`, x.ref);
  const headsOf = (y) => y.reshape([batch, tokens, heads, width / heads]);
  const q = headsOf(linear(p, `${name}.q`, normed.ref));
  const k = headsOf(linear(p, `${name}.k`, normed.ref));
  const v = headsOf(linear(p, `${name}.v`, normed));
  const mixed = nn.dotProductAttention(q, k, v, { isCausal: true }).reshape([rows, width]);
  const attended = x.add(linear(p, `${name}.out`, mixed));
  const hidden = nn.gelu(linear(p, `${name}.fc1`, norm(p, `${name}.norm2`, attended.ref)), {
    approximate: options.gelu === 'tanh',
  });
  return attended.add(linear(p, `${name}.fc2`, hidden));
}

/** @param p weights  @param ids [B·T]  @param targets [B·T]  @returns the mean loss */
function loss(p, ids, targets) {
  // The gradient of np.take cannot be jitted ("routine primitive scatter input is not imm"), so a product looks up the rows.
  let x = np
    .matmul(nn.oneHot(ids, vocabulary), p.embed_tokens)
    .reshape([batch, tokens, width])
    .add(p.embed_positions)
    .reshape([rows, width]);
  for (let i = 0; i < layers; i++) x = block(p, `layers.${i}`, x);
  const logits = np.matmul(norm(p, 'norm', x), p.head);
  const chosen = nn.logSoftmax(logits).mul(nn.oneHot(targets, vocabulary));
  return chosen.sum().mul(-1 / rows);
}

const list = weightsOf(options);

/** One step of AdamW; `correction1` is lr / (1 − β₁ᵗ), `correction2` 1 / (1 − β₂ᵗ). */
const update = jit((p, m, v, ids, targets, correction1, correction2) => {
  const [value, g] = valueAndGrad(loss)(jax.tree.ref(p), ids, targets);
  const next = { p: {}, m: {}, v: {} };
  for (const { name, decay: decayed } of list) {
    const m2 = m[name].mul(0.9).add(g[name].ref.mul(0.1));
    const v2 = v[name].mul(0.999).add(np.square(g[name]).mul(0.001));
    const step = m2.ref.mul(correction1.ref).div(np.sqrt(v2.ref.mul(correction2.ref)).add(1e-8));
    next.p[name] = p[name].mul(decayed ? 1 - lr * decay : 1).sub(step);
    next.m[name] = m2;
    next.v[name] = v2;
  }
  correction1.dispose();
  correction2.dispose();
  return [value, next];
});

const numbers = random(options.seed);
let state = { p: {}, m: {}, v: {} };
for (const weight of list) {
  state.p[weight.name] = np.array(startOf(weight, numbers)).reshape(weight.shape);
  state.m[weight.name] = np.zeros(weight.shape);
  state.v[weight.name] = np.zeros(weight.shape);
}
const data = batchOf(options, numbers);
const ids = np.array(data.ids, { dtype: np.int32 });
const targets = np.array(data.targets, { dtype: np.int32 });
let count = 0;

async function step() {
  count += 1;
  const [value, next] = update(
    state.p,
    state.m,
    state.v,
    ids.ref,
    targets.ref,
    np.array(lr / (1 - 0.9 ** count)),
    np.array(1 / (1 - 0.999 ** count)),
  );
  await jax.blockUntilReady(next);
  state = next;
  return (await value.data())[0];
}

await serve({ peer: '@jax-js/jax', device: 'wasm', threads, batch }, options, step);
