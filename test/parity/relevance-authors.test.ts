/** Relevance beside what the authors' own code makes of the same maps: see make/relevance_authors.py. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  headRelevance,
  identity,
  throughCrossAttention,
  throughSelfAttention,
} from '../../src/explain/graphs/relevance.ts';
import { fromNumbers, squeeze, type Tensor } from '../../src/graph/index.ts';
import { readSafetensors } from '../../src/hub/node/safetensors-file.ts';
import { createRuntime } from '../../src/runtime/node/index.ts';
import type { Runtime } from '../../src/runtime/types.ts';
import { evaluate } from '../unit/evaluate.ts';
import type { Tensors } from './multimodal-fixture.ts';

/** Largest ‖x − x̂‖ / ‖x̂‖, float32 beside float64. */
const TOLERANCE = 1e-5;

let runtime: Runtime;
let expected: Tensors;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  expected = await readSafetensors(fileURLToPath(new URL('fixtures/relevance-authors.safetensors', import.meta.url)));
});
afterAll(() => runtime.dispose());

/** Ā of a map. @returns [·, ·] */
function attention(name: string): Tensor {
  const [map, gradient] = ['map', 'gradient'].map((part) => {
    const { shape, data } = expected.get(`${name}.${part}`)!;
    return fromNumbers([1, ...shape], data as Float32Array);
  }) as [Tensor, Tensor];
  return squeeze(headRelevance(map, gradient), 0);
}

/** @param leave numbers that are not compared */
async function near(tensor: Tensor, key: string, rows: { from: number; count: number }, leave = -1): Promise<void> {
  const { result } = await evaluate(runtime, { result: tensor }, {});
  const width = tensor.shape[1] as number;
  const found = (result!.data as Float32Array).subarray(rows.from * width, (rows.from + rows.count) * width);
  const right = expected.get(key)!.data as Float64Array;
  expect(found.length).toBeGreaterThanOrEqual(right.length);
  const differences = right.map((value, i) => (i === leave ? 0 : value - found[found.length - right.length + i]!));
  expect(Math.hypot(...differences) / Math.hypot(...right), key).toBeLessThan(TOLERANCE);
}

const zeros = (rows: number, columns: number): Tensor => fromNumbers([rows, columns], new Float32Array(rows * columns));

it('two streams that ask each other, as over LXMERT', async () => {
  let text = { within: identity(5), across: zeros(5, 4) };
  let image = { within: identity(4), across: zeros(4, 5) };
  const itself = (stream: typeof text, name: string): typeof text => {
    const map = attention(name);
    return {
      within: throughSelfAttention(map, stream.within),
      across: throughSelfAttention(map, stream.across),
    };
  };
  const asking = (stream: typeof text, other: typeof text, name: string): typeof text =>
    throughCrossAttention(attention(name), { ...stream, withinOther: other.within, back: other.across });
  for (const layer of [0, 1]) {
    text = itself(text, `lxmert.language.${layer}`);
    image = itself(image, `lxmert.vision.${layer}`);
  }
  for (const layer of [0, 1]) {
    // Both ask what the other was before.
    const [asked, asks] = [
      asking(text, image, `lxmert.cross.${layer}.ti`),
      asking(image, text, `lxmert.cross.${layer}.it`),
    ];
    text = itself(asked, `lxmert.cross.${layer}.tt`);
    image = itself(asks, `lxmert.cross.${layer}.ii`);
  }
  text = itself(asking(text, image, 'lxmert.cross.2.ti'), 'lxmert.cross.2.tt');
  // They take out what the first token owes to itself.
  await near(text.within, 'lxmert.tt', { from: 0, count: 5 }, 0);
  await near(text.across, 'lxmert.ti', { from: 0, count: 5 });
});

it('a decoder that asks an encoder, as over DETR', async () => {
  const image = [0, 1].reduce(
    (sum, layer) => throughSelfAttention(attention(`detr.encoder.${layer}`), sum),
    identity(6),
  );
  let queries = { within: identity(4), across: zeros(4, 6) };
  for (const layer of [0, 1, 2]) {
    const itself = attention(`detr.decoder.${layer}.qq`);
    const read = {
      within: throughSelfAttention(itself, queries.within),
      across: throughSelfAttention(itself, queries.across),
    };
    queries = throughCrossAttention(attention(`detr.decoder.${layer}.qi`), { ...read, withinOther: image });
  }
  await near(queries.across, 'detr.qi', { from: 2, count: 1 });
});

it('a stream by itself, as over CLIP', async () => {
  const image = [0, 1, 2].reduce(
    (sum, layer) => throughSelfAttention(attention(`clip.image.${layer}`), sum),
    identity(7),
  );
  // What the class token owes to the patches behind it.
  await near(image, 'clip.image', { from: 0, count: 1 });
});
