// TensorFlow.js's side of `bench train-step`: the transformer step on its wasm backend, fp32.
//
//   mkdir peers && cd peers && npm init -y && npm install --ignore-scripts @tensorflow/tfjs @tensorflow/tfjs-backend-wasm
//   node tfjs.mjs --modules peers/node_modules [--batch 16] [--gelu tanh|erf]
//
// Lines as in torch_train_step.py: `ready`, then `step N`, `memory`, `quit`. In Node the backend has SIMD and one thread:
// the library turns its threads off there (tensorflow/tfjs issue 3830).
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { batchOf, fail, random, readArguments, serve, startOf, weightsOf } from './protocol.mjs';

const options = readArguments();
const { layers, width, heads, tokens, batch, vocabulary, lr, decay } = options;

let tf;
const folder = resolve(options.modules);
try {
  const require = createRequire(`${folder}/index.js`);
  tf = require('@tensorflow/tfjs');
  const wasm = require('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(`${folder}/@tensorflow/tfjs-backend-wasm/dist/`);
  tf.enableProdMode();
  if (!(await tf.setBackend('wasm'))) fail('the wasm backend does not start');
  await tf.ready();
} catch (error) {
  fail(`@tensorflow/tfjs and its wasm backend are not in ${folder}, or do not start: ${error.message}`);
}

// B batch, T tokens, D width, N heads, K width of a head

/**
 * a b for matrices or stacks of them. The library's own gradients are products with transposed operands, which its wasm
 * kernel computes by a plain loop; transposing first lets it use its quick kernel.
 */
const product = tf.customGrad((a, b, save) => {
  save([a, b]);
  const flip = (x) => x.transpose(x.rank === 2 ? [1, 0] : [0, 1, 3, 2]);
  return {
    value: tf.matMul(a, b),
    gradFunc: (dy, [a, b]) => [tf.matMul(dy, flip(b)), tf.matMul(flip(a), dy)],
  };
});
const rows = batch * tokens;

function norm(p, name, x) {
  const centred = x.sub(x.mean(-1, true));
  const deviation = centred.square().mean(-1, true).add(1e-5).rsqrt();
  return centred.mul(deviation).mul(p[`${name}.weight`]).add(p[`${name}.bias`]);
}

function linear(p, name, x) {
  return product(x, p[`${name}.weight`]).add(p[`${name}.bias`]);
}

function gelu(x) {
  if (options.gelu === 'erf') return x.mul(0.5).mul(x.mul(Math.SQRT1_2).erf().add(1));
  const inner = x.mul(x.square().mul(0.044715).add(1)).mul(Math.sqrt(2 / Math.PI));
  return x.mul(0.5).mul(inner.tanh().add(1));
}

const causal = tf.tensor2d(
  Float32Array.from({ length: tokens * tokens }, (_, i) => (i % tokens > Math.floor(i / tokens) ? -1e9 : 0)),
  [tokens, tokens],
);

function block(p, name, x) {
  const normed = norm(p, `${name}.norm1`, x);
  const headsOf = (y) => y.reshape([batch, tokens, heads, width / heads]).transpose([0, 2, 1, 3]);
  const q = headsOf(linear(p, `${name}.q`, normed));
  const k = headsOf(linear(p, `${name}.k`, normed));
  const v = headsOf(linear(p, `${name}.v`, normed));
  const scores = product(q, k.transpose([0, 1, 3, 2]))
    .mul(1 / Math.sqrt(width / heads))
    .add(causal);
  const mixed = product(scores.softmax(), v).transpose([0, 2, 1, 3]).reshape([rows, width]);
  const attended = x.add(linear(p, `${name}.out`, mixed));
  const hidden = gelu(linear(p, `${name}.fc1`, norm(p, `${name}.norm2`, attended)));
  return attended.add(linear(p, `${name}.fc2`, hidden));
}

const numbers = random(options.seed);
const list = weightsOf(options);
const weights = {};
const moments = {};
for (const weight of list) {
  weights[weight.name] = tf.variable(tf.tensor(startOf(weight, numbers), weight.shape), true, weight.name);
  moments[weight.name] = [tf.variable(tf.zeros(weight.shape)), tf.variable(tf.zeros(weight.shape))];
}

for (const [m, v] of Object.values(moments)) m.trainable = v.trainable = false;
const data = batchOf(options, numbers);
// The backend has no gradient for a lookup of rows (no UnsortedSegmentSum), so a product looks them up.
const ids = tf.oneHot(tf.tensor1d(data.ids, 'int32'), vocabulary).toFloat();
const targets = tf.oneHot(tf.tensor1d(data.targets, 'int32'), vocabulary).toFloat();

function loss() {
  const p = weights;
  let x = product(ids, p.embed_tokens).reshape([batch, tokens, width]).add(p.embed_positions).reshape([rows, width]);
  for (let i = 0; i < layers; i++) x = block(p, `layers.${i}`, x);
  const logits = product(norm(p, 'norm', x), p.head);
  return logits
    .logSoftmax()
    .mul(targets)
    .sum()
    .mul(-1 / rows);
}

let count = 0;

/** One step of AdamW with decoupled decay. */
async function step() {
  count += 1;
  const value = tf.tidy(() => {
    const { value: total, grads } = tf.variableGrads(loss, Object.values(weights));
    const correction1 = lr / (1 - 0.9 ** count);
    const correction2 = 1 / (1 - 0.999 ** count);
    for (const { name, decay: decayed } of list) {
      const [m, v] = moments[name];
      m.assign(m.mul(0.9).add(grads[name].mul(0.1)));
      v.assign(v.mul(0.999).add(grads[name].square().mul(0.001)));
      const change = m.mul(correction1).div(v.mul(correction2).sqrt().add(1e-8));
      weights[name].assign(weights[name].mul(decayed ? 1 - lr * decay : 1).sub(change));
    }
    return total;
  });
  const [number] = await value.data();
  value.dispose();
  return number;
}

const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
const threaded = await tf.env().getAsync('WASM_HAS_MULTITHREAD_SUPPORT');
await serve(
  {
    peer: '@tensorflow/tfjs',
    device: 'wasm',
    version: tf.version.tfjs,
    simd,
    threads: threaded ? options.threads : 1,
    batch,
  },
  options,
  step,
);
