import { expect, it } from 'vitest';
import { Random } from '../../../src/core/index.ts';
import { fusedAttention, input } from '../../../src/graph/index.ts';
import { attend, mergeHeads, splitHeads } from '../../../src/nn/index.ts';
import { lower } from '../../../src/onnx/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import { floats, run } from '../evaluate.ts';

const names = ['query', 'key', 'value'] as const;

it.each(['cpu', 'webgpu'] as const)(
  'fused attention is attention, with the operators of %s and sizes that are known only later',
  async (device) => {
    const runtime = await createRuntime({ threads: 1 });
    const [query, key, value] = names.map((name) =>
      input(name, 'float32', ['B', name === 'query' ? 'T' : 'S', 12]),
    ) as [ReturnType<typeof input>, ReturnType<typeof input>, ReturnType<typeof input>];
    const plain = mergeHeads(attend(splitHeads(query, 3), splitHeads(key, 3), splitHeads(value, 3)));
    const source = lower({ fused: fusedAttention(query, key, value, 3), plain }, { device });
    const program = await runtime.compile(source, { optimization: 'all' });
    const random = new Random(3);
    // Short texts, and so many tokens that the operator works in blocks.
    for (const [queries, keys] of [
      [2, 5],
      [300, 300],
    ] as const) {
      const given = Object.fromEntries(
        names.map((name) => {
          const length = name === 'query' ? queries : keys;
          return [
            name,
            floats(
              [2, length, 12],
              Array.from({ length: 24 * length }, () => 2 * random.normal()),
            ),
          ];
        }),
      );
      const { fused, plain: right } = await run(runtime, program, given);
      const difference = (fused!.data as Float32Array).map((x, i) => Math.abs(x - Number(right!.data[i])));
      expect(fused!.shape).toEqual([2, queries, 12]);
      expect(Math.max(...difference)).toBeLessThan(1e-5);
    }
    program.dispose();
    await runtime.dispose();
  },
);

it('fused attention refuses shapes that do not fit', () => {
  const of = (...shape: number[]): ReturnType<typeof input> => input('x', 'float32', shape);
  expect(() => fusedAttention(of(1, 4, 10), of(1, 4, 10), of(1, 4, 10), 3)).toThrow('3 × K');
  expect(() => fusedAttention(of(1, 4, 9), of(2, 4, 9), of(2, 4, 9), 3)).toThrow('[1, S, 9]');
  expect(() => fusedAttention(of(1, 4, 9), of(1, 5, 9), of(1, 4, 9), 3)).toThrow('[1, S, 9]');
});
