import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DeviceError, hostTensor, ShapeError, type DType, type TypedArrayOf } from '../../../src/core/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import type { Runtime, Value } from '../../../src/runtime/types.ts';
import { binary, model, spec } from './onnx-model.ts';

/** x' = x·w + x, a step whose every element of the result needs all of x: in place it would go wrong. */
const mixing = model({
  inputs: [spec('x', [4, 4]), spec('w', [4, 4])],
  outputs: [spec('next', [4, 4])],
  nodes: [
    { op: 'MatMul', inputs: ['x', 'w'], outputs: ['xw'] },
    { op: 'Add', inputs: ['xw', 'x'], outputs: ['sum'] },
    { op: 'Tanh', inputs: ['sum'], outputs: ['next'] },
  ],
});

function floats(length: number, of: (i: number) => number): Float32Array {
  return Float32Array.from({ length }, (_, i) => of(i));
}

describe.each(['c-api', 'binding'] as const)('%s', (backend) => {
  let runtime: Runtime;
  const vector = (values: readonly number[] | Float32Array, shape: number[] = [values.length]): Promise<Value> =>
    runtime.allocate('float32', shape, hostTensor('float32', shape, Float32Array.from(values)));

  beforeAll(async () => {
    runtime = await createRuntime({ threads: 2, backend });
  });
  afterAll(async () => {
    await runtime.dispose();
  });

  it('says what it is', () => {
    expect(runtime).toMatchObject({ device: 'cpu', backend, threads: 2 });
    expect(runtime.version).toMatch(/^onnxruntime 1\.\d+/);
  });

  it('adds, into new values and into given ones', async () => {
    const program = await runtime.compile(binary('Add', [3]));
    const x = await vector([1, 2, 3]);
    const y = await vector([10, 20, 30]);
    const { z } = await program.run({ x, y });
    expect(await z!.read()).toEqual(hostTensor('float32', [3], Float32Array.of(11, 22, 33)));
    const same = await program.run({ x: z!, y }, { z: x });
    expect(same['z']).toBe(x);
    expect([...(await x.read()).data]).toEqual([21, 42, 63]);
    expect([...(await y.read()).data]).toEqual([10, 20, 30]);
  });

  it('multiplies matrices of sizes known when it runs', async () => {
    const source = model({
      inputs: [spec('a', ['m', 2]), spec('b', [2, 'n'])],
      outputs: [spec('c', ['m', 'n'])],
      nodes: [{ op: 'MatMul', inputs: ['a', 'b'], outputs: ['c'] }],
    });
    const program = await runtime.compile(source, { optimization: 'basic', memoryPattern: false });
    const a = await vector([1, 2, 3, 4, 5, 6], [3, 2]);
    const b = await vector([1, 10], [2, 1]);
    const { c } = await program.run({ a, b });
    expect(await c!.read()).toEqual(hostTensor('float32', [3, 1], Float32Array.of(21, 43, 65)));
    const again = await program.run({ a: await vector([1, 1], [1, 2]), b });
    expect(await again['c']!.read()).toEqual(hostTensor('float32', [1, 1], Float32Array.of(11)));
    // A result of the engine's own making can be fed back.
    const sum = await runtime.compile(binary('Add', ['m', 'n']));
    expect([...(await (await sum.run({ x: c!, y: c! }))['z']!.read()).data]).toEqual([42, 86, 130]);
  });

  it('reads into memory that is there, and writes', async () => {
    const x = await runtime.allocate('float32', [2, 2]);
    expect([...(await x.read()).data]).toEqual([0, 0, 0, 0]);
    await x.write(hostTensor('float32', [2, 2], Float32Array.of(1, 2, 3, 4)));
    const into = hostTensor('float32', [2, 2]);
    expect(await x.read(into)).toBe(into);
    expect([...into.data]).toEqual([1, 2, 3, 4]);
    into.data[0] = 9;
    expect((await x.read()).data[0]).toBe(1);
  });

  it('a value both read and written is double-buffered: 100 steps are bit-identical to separate values', async () => {
    const program = await runtime.compile(mixing);
    const w = await vector(
      floats(16, (i) => Math.sin(i * 7)),
      [4, 4],
    );
    const start = floats(16, (i) => Math.cos(i * 3));
    const x = await vector(start, [4, 4]);
    let pure = await vector(start, [4, 4]);
    for (let step = 0; step < 100; step++) {
      await program.run({ x, w }, { next: x });
      const { next } = await program.run({ x: pure, w });
      pure.dispose();
      pure = next!;
    }
    expect((await x.read()).data).toEqual((await pure.read()).data);
  });

  it('an update promised to be in place gives the same bits over 100 steps', async () => {
    // Elementwise: each element is read before it is written.
    const source = model({
      inputs: [spec('p', [1000]), spec('g', [1000])],
      outputs: [spec('next', [1000])],
      nodes: [
        { op: 'Mul', inputs: ['p', 'g'], outputs: ['pg'] },
        { op: 'Sub', inputs: ['p', 'pg'], outputs: ['next'] },
      ],
    });
    const inPlace = await runtime.compile(source, { inPlace: true });
    const doubled = await runtime.compile(source);
    const start = floats(1000, (i) => Math.sin(i));
    const g = await vector(floats(1000, (i) => Math.cos(i) / 10));
    const p = await vector(start);
    const q = await vector(start);
    for (let step = 0; step < 100; step++) {
      await inPlace.run({ p, g }, { next: p });
      await doubled.run({ p: q, g }, { next: q });
    }
    expect((await p.read()).data).toEqual((await q.read()).data);
  });

  it('two values change places', async () => {
    const source = model({
      inputs: [spec('a', [2]), spec('b', [2])],
      outputs: [spec('x', [2]), spec('y', [2])],
      nodes: [
        { op: 'Neg', inputs: ['b'], outputs: ['x'] },
        { op: 'Neg', inputs: ['a'], outputs: ['y'] },
      ],
    });
    const program = await runtime.compile(source);
    const a = await vector([1, 2]);
    const b = await vector([3, 4]);
    await program.run({ a, b }, { x: a, y: b });
    expect([...(await a.read()).data]).toEqual([-3, -4]);
    expect([...(await b.read()).data]).toEqual([-1, -2]);
  });

  it('an output that is an input itself is copied', async () => {
    const source = model({
      inputs: [spec('x', [2])],
      outputs: [spec('same', [2])],
      nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['same'] }],
    });
    const program = await runtime.compile(source);
    const x = await vector([1, 2]);
    const { same } = await program.run({ x });
    await x.write(hostTensor('float32', [2], Float32Array.of(5, 6)));
    expect([...(await same!.read()).data]).toEqual([1, 2]);
  });

  it('two programs share values, and calls keep their order without being awaited', async () => {
    const add = await runtime.compile(binary('Add', [2]));
    const multiply = await runtime.compile(binary('Mul', [2]));
    const x = await vector([1, 2]);
    const two = await vector([2, 2]);
    const runs: Promise<unknown>[] = [];
    for (let i = 0; i < 10; i++) {
      runs.push(add.run({ x, y: two }, { z: x }), multiply.run({ x, y: two }, { z: x }));
    }
    const result = x.read();
    await Promise.all(runs);
    expect([...(await result).data]).toEqual([5116, 6140]);
  });

  it.each<[DType, TypedArrayOf[DType], TypedArrayOf[DType]]>([
    ['int64', BigInt64Array.of(2n ** 60n, -3n), BigInt64Array.of(2n ** 60n + 2n ** 60n, -6n)],
    ['int32', Int32Array.of(7, -3), Int32Array.of(14, -6)],
    ['float64', Float64Array.of(1 / 3, 2), Float64Array.of(2 / 3, 4)],
    // 1.0 + 1.0 and 1.5 + 1.5 in half floats
    ['float16', Uint16Array.of(0x3c00, 0x3e00), Uint16Array.of(0x4000, 0x4200)],
  ])('computes with %s', async (dtype, data, twice) => {
    const program = await runtime.compile(binary('Add', [2], dtype));
    const x = await runtime.allocate(dtype, [2], { dtype, shape: [2], data } as never);
    const { z } = await program.run({ x, y: x });
    expect((await z!.read()).data).toEqual(twice);
  });

  it('computes with bool, int8 and uint8', async () => {
    const program = await runtime.compile(binary('And', [3], 'bool'));
    const x = await runtime.allocate('bool', [3], hostTensor('bool', [3], Uint8Array.of(1, 1, 0)));
    const y = await runtime.allocate('bool', [3], hostTensor('bool', [3], Uint8Array.of(1, 0, 0)));
    expect((await (await program.run({ x, y }))['z']!.read()).data).toEqual(Uint8Array.of(1, 0, 0));
    const signed = await runtime.allocate('int8', [1], hostTensor('int8', [1], Int8Array.of(-5)));
    expect((await signed.read()).data).toEqual(Int8Array.of(-5));
    const unsigned = await runtime.allocate('uint8', [1], hostTensor('uint8', [1], Uint8Array.of(200)));
    expect((await unsigned.read()).data).toEqual(Uint8Array.of(200));
  });

  it('takes scalars and tensors without elements', async () => {
    const program = await runtime.compile(binary('Add', ['n']));
    const empty = await runtime.allocate('float32', [0]);
    const { z } = await program.run({ x: empty, y: empty });
    expect(await z!.read()).toEqual(hostTensor('float32', [0]));
    const scalars = await runtime.compile(binary('Add', []));
    const one = await vector([1], []);
    expect(await (await scalars.run({ x: one, y: one }))['z']!.read()).toEqual(
      hostTensor('float32', [], Float32Array.of(2)),
    );
  });

  it('refuses what does not fit, by name and shape', async () => {
    const program = await runtime.compile(binary('Add', [3]));
    const x = await vector([1, 2, 3]);
    await expect(program.run({ x })).rejects.toThrow(/no value for input "y".*x, y/s);
    await expect(program.run({ x, y: await vector([1]) })).rejects.toThrow(/"y" is float32 \[3\].*float32 \[1\]/);
    await expect(program.run({ x, y: x, q: x })).rejects.toThrow(/no input "q"/);
    await expect(program.run({ x, y: x }, { w: x })).rejects.toThrow(/no output "w"/);
    await expect(program.run({ x, y: x }, { z: await vector([1]) })).rejects.toThrow(ShapeError);
    await expect(x.write(hostTensor('float32', [2]))).rejects.toThrow(ShapeError);
    await expect(x.read(hostTensor('int32', [3]))).rejects.toThrow(ShapeError);
    await expect(runtime.allocate('float32', [-1])).rejects.toThrow(ShapeError);
    const other = await createRuntime({ threads: 1, backend });
    const foreign = await other.allocate('float32', [3]);
    await expect(program.run({ x, y: foreign })).rejects.toThrow(/another runtime/);
    await other.dispose();
    await expect(foreign.read()).rejects.toThrow(/disposed/);
    // None of that left the program unusable.
    expect([...(await (await program.run({ x, y: x }))['z']!.read()).data]).toEqual([2, 4, 6]);
  });

  it("passes on the engine's message", async () => {
    await expect(runtime.compile(binary('NoSuchOperator', [3]))).rejects.toThrow(/ONNX Runtime: .*NoSuchOperator/s);
    await expect(runtime.compile({ ...binary('Add', [3]), bytes: Uint8Array.of(1, 2, 3) })).rejects.toThrow(
      DeviceError,
    );
    await expect(runtime.compile({ ...binary('Add', [3]), bytes: new Uint8Array() })).rejects.toThrow(DeviceError);
    // Shapes that only the engine can judge.
    const program = await runtime.compile(binary('Add', ['n']));
    await expect(program.run({ x: await vector([1, 2]), y: await vector([1, 2, 3]) })).rejects.toThrow(
      /ONNX Runtime: /,
    );
  });

  it('refuses disposed values and programs, and lets running ones finish', async () => {
    const program = await runtime.compile(binary('Add', [3]));
    const x = await vector([1, 2, 3]);
    const running = program.run({ x, y: x });
    x.dispose();
    x.dispose();
    program.dispose();
    expect([...(await (await running)['z']!.read()).data]).toEqual([2, 4, 6]);
    await expect(x.read()).rejects.toThrow(/disposed/);
    await expect(program.run({ x, y: x })).rejects.toThrow(/disposed/);
  });

  it('gives memory back', async () => {
    const own = await createRuntime({ threads: 1, backend });
    const value = await own.allocate('float32', [1000]);
    const other = await own.allocate('float32', [1000]);
    expect(own.memory()).toEqual({ values: 8000, peakValues: 8000 });
    value.dispose();
    expect(own.memory()).toEqual({ values: 4000, peakValues: 8000 });
    const program = await own.compile(binary('Add', [1000]));
    await program.run({ x: other, y: other }, { z: other });
    await own.dispose();
    expect(own.memory().values).toBe(0);
  });

  it('10,000 runs do not grow the process', async () => {
    const program = await runtime.compile(binary('Add', [256]));
    const x = await runtime.allocate('float32', [256]);
    const y = await runtime.allocate('float32', [256]);
    const before = runtime.memory().values;
    const loop = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        await program.run({ x, y }, { z: x });
        (await program.run({ x, y }))['z']!.dispose();
      }
    };
    await loop(1000);
    const resident = process.memoryUsage().rss;
    await loop(5000);
    // 10,000 leaked results of 1 KiB would be 10 MiB, leaked handles some more. The collector of JavaScript's own heap
    // comes and goes, hence the room for it.
    expect(process.memoryUsage().rss - resident).toBeLessThan(40 * 2 ** 20);
    // A double-buffered value holds its second buffer.
    expect(runtime.memory().values - before).toBeLessThanOrEqual(1024);
  });
});
