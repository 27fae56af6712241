/** Rows that are lent to programs. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostTensor } from '../../../src/core/index.ts';
import { add, input, mul } from '../../../src/graph/index.ts';
import { lower } from '../../../src/onnx/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import type { Program, Runtime } from '../../../src/runtime/types.ts';
import { createRowTensor, type RowTensor } from '../../../src/generate/batching/row-tensor.ts';

describe.each(['c-api', 'binding'] as const)('rows by the %s', (backend) => {
  let runtime: Runtime;
  /** Adds to x what it holds once more, in place. */
  let program: Program;
  beforeAll(async () => {
    runtime = await createRuntime({ threads: 1, backend });
    const x = input('x', 'float32', ['B', 3]);
    program = await runtime.compile(lower({ y: add(x, x) }), { inPlace: true });
  });
  afterAll(async () => {
    await runtime.dispose();
  });

  const contents = async (rows: RowTensor): Promise<number[]> => {
    const all = new Float32Array(12);
    await rows.read(0, all);
    return [...all];
  };
  const doubled = async (rows: RowTensor, first: number, count: number): Promise<void> => {
    const x = await rows.lend(first, count);
    await program.run({ x }, { y: x });
  };

  it('hold what programs wrote to them, and what was written and copied between runs', async () => {
    const rows = createRowTensor(runtime, 'float32', [4, 3]);
    await rows.write(
      0,
      Float32Array.from({ length: 12 }, (_, i) => i),
    );
    await doubled(rows, 0, 2);
    expect(await contents(rows)).toEqual([0, 2, 4, 6, 8, 10, 6, 7, 8, 9, 10, 11]);
    await doubled(rows, 0, 2);
    await doubled(rows, 1, 3);
    expect(await contents(rows)).toEqual([0, 4, 8, 24, 32, 40, 12, 14, 16, 18, 20, 22]);
    await rows.copy(3, 0, 3);
    await rows.write(10, Float32Array.of(1, 1));
    await doubled(rows, 0, 1);
    await doubled(rows, 3, 1);
    expect(await contents(rows)).toEqual([48, 64, 80, 24, 32, 40, 12, 14, 16, 36, 2, 2]);
    const part = new Float32Array(2);
    await rows.read(9, part);
    expect([...part]).toEqual([36, 2]);
    rows.dispose();
  });

  it('are refused where they are not there', async () => {
    const rows = createRowTensor(runtime, 'float32', [4, 3]);
    if (backend === 'c-api') {
      expect(() => rows.lend(3, 2)).toThrow('not there');
      expect(() => rows.read(11, new Float32Array(2))).toThrow('not there');
      expect(() => rows.write(-1, new Float32Array(2))).toThrow('not there');
    }
    rows.dispose();
  });

  it('take memory while they are there', async () => {
    const before = runtime.memory().values;
    const rows = createRowTensor(runtime, 'float32', [4, 3]);
    await rows.write(0, new Float32Array(12).fill(1));
    await doubled(rows, 1, 2);
    rows.dispose();
    // An end that waits for its turn.
    await (await runtime.allocate('float32', [1])).read();
    expect(runtime.memory().values - before).toBeLessThan(8);
  });
});

it('a single number is a row of its own', async () => {
  const runtime = await createRuntime({ threads: 1 });
  const factor = createRowTensor(runtime, 'float32', []);
  await factor.write(0, Float32Array.of(3));
  const program = await runtime.compile(lower({ y: mul(input('x', 'float32', [2]), input('factor', 'float32', [])) }));
  const x = await runtime.allocate('float32', [2], hostTensor('float32', [2], Float32Array.of(1, 2)));
  const { y } = await program.run({ x, factor: await factor.lend(0, 1) });
  expect([...((await y!.read()).data as Float32Array)]).toEqual([3, 6]);
  factor.dispose();
  await runtime.dispose();
});
