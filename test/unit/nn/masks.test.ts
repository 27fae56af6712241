import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HostTensor, Random } from '../../../src/core/index.ts';
import * as g from '../../../src/graph/index.ts';
import { TransformerBlock } from '../../../src/models/common/transformer.ts';
import { maskedMean, SimpleMultimodalModel } from '../../../src/models/fusion/model.ts';
import { causalMask, packedMask } from '../../../src/nn/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import type { Runtime } from '../../../src/runtime/types.ts';
import { evaluate, floats, integers } from '../evaluate.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1, backend: 'c-api' });
});
afterAll(async () => {
  await runtime.dispose();
});

function close(a: HostTensor | undefined, b: HostTensor | undefined, digits = 5): void {
  expect(a!.shape).toEqual(b!.shape);
  (a!.data as Float32Array).forEach((value, i) => expect(value).toBeCloseTo(b!.data[i] as number, digits));
}

const random = new Random(3);
const draw = (...shape: number[]): HostTensor<'float32'> =>
  floats(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
  );

describe('masks', () => {
  it('packed samples come out as samples apart', async () => {
    const block = new TransformerBlock({ width: 8, heads: 2, layers: 1 });
    const weights = block.initialize(new Random(1));
    const [first, second] = [draw(1, 3, 8), draw(1, 4, 8)];
    const alone = async (x: HostTensor): Promise<HostTensor> => {
      const input = g.input('x', 'float32', x.shape);
      return (await evaluate(runtime, { y: block.forward(input, causalMask(x.shape[1]!)) }, { ...weights, x }))['y']!;
    };
    const packed = floats([1, 7, 8], [...first.data, ...second.data]);
    const [x, segments] = [g.input('x', 'float32', [1, 7, 8]), g.input('segments', 'int64', [1, 7])];
    const mask = g.add(packedMask(segments), causalMask(7));
    const given = { ...weights, x: packed, segments: integers([1, 7], [4, 4, 4, 9, 9, 9, 9]) };
    const { y } = await evaluate(runtime, { y: block.forward(x, mask) }, given);
    close(floats([1, 3, 8], (y!.data as Float32Array).slice(0, 24)), await alone(first));
    close(floats([1, 4, 8], (y!.data as Float32Array).slice(24)), await alone(second));
  });

  it('a causal mask lets nothing through from the future', async () => {
    const block = new TransformerBlock({ width: 8, heads: 2, layers: 1 });
    const weights = block.initialize(new Random(2));
    const x = g.input('x', 'float32', [1, 4, 8]);
    const y = block.forward(x, causalMask(4));
    const data = draw(1, 4, 8);
    const changed = floats([1, 4, 8], data.data);
    for (let i = 24; i < 32; i++) changed.data[i]! += 3;
    const [a, b] = [
      await evaluate(runtime, { y }, { ...weights, x: data }),
      await evaluate(runtime, { y }, { ...weights, x: changed }),
    ];
    expect((a['y']!.data as Float32Array).slice(0, 24)).toEqual((b['y']!.data as Float32Array).slice(0, 24));
    expect((a['y']!.data as Float32Array).slice(24)).not.toEqual((b['y']!.data as Float32Array).slice(24));
  });

  it('a mean over real tokens does not see the others', async () => {
    const [x, keep] = [g.input('x', 'float32', [1, 3, 2]), g.input('keep', 'float32', [1, 3])];
    const given = { x: floats([1, 3, 2], [1, 2, 3, 4, 1e6, -1e6]), keep: floats([1, 3], [1, 1, 0]) };
    const { y } = await evaluate(runtime, { y: maskedMean(x, keep) }, given);
    expect(y!.data[0]).toBeCloseTo(2, 4);
    expect(y!.data[1]).toBeCloseTo(3, 4);
  });
});

describe.each(['text', 'vision'] as const)('padding in the fusion model whose queries come from %s', (query) => {
  const sizes = { width: 8, layers: 1, heads: 2, hidden: 16 };
  const model = new SimpleMultimodalModel({
    vision: { kind: 'vit', imageSize: 8, patchSize: 4, ...sizes },
    text: { vocabularySize: 11, maxLength: 9, ...sizes },
    hiddenSize: 8,
    heads: 2,
    classes: 3,
    query,
    layers: 2,
    alignmentSize: 4,
  });
  const weights = model.initialize(new Random(4));
  const pixels = draw(2, 3, 8, 8);
  const logits = async (length: number, ids: number[], keep: number[]): Promise<HostTensor> => {
    const y = model.forward(
      g.input('pixels', 'float32', [2, 3, 8, 8]),
      g.input('ids', 'int64', [2, length]),
      g.input('keep', 'float32', [2, length]),
    );
    const given = { ...weights, pixels, ids: integers([2, length], ids), keep: floats([2, length], keep) };
    return (await evaluate(runtime, { y }, given))['y']!;
  };

  it('changes nothing, however long and whatever its tokens are', async () => {
    const short = await logits(3, [1, 2, 3, 4, 5, 0], [1, 1, 1, 1, 1, 0]);
    close(await logits(5, [1, 2, 3, 0, 0, 4, 5, 0, 0, 0], [1, 1, 1, 0, 0, 1, 1, 0, 0, 0]), short);
    close(await logits(5, [1, 2, 3, 9, 8, 4, 5, 7, 6, 10], [1, 1, 1, 0, 0, 1, 1, 0, 0, 0]), short);
    const other = await logits(3, [1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 1, 1]);
    expect(other.data).not.toEqual(short.data);
  });

  it('does not come between samples', async () => {
    const both = await logits(3, [1, 2, 3, 4, 5, 0], [1, 1, 1, 1, 1, 0]);
    const changed = await logits(3, [1, 2, 3, 7, 8, 9], [1, 1, 1, 1, 1, 1]);
    expect((both.data as Float32Array).slice(0, 3)).toEqual((changed.data as Float32Array).slice(0, 3));
  });
});
