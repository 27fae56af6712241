import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostTensor } from '../../../src/core/index.ts';
import { createRuntime, listDevices } from '../../../src/runtime/node/index.ts';
import type { Runtime } from '../../../src/runtime/types.ts';
import { binary, model, spec } from './onnx-model.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 2, backend: 'c-api' });
});
afterAll(async () => {
  await runtime.dispose();
});

describe('arena', () => {
  const specs = [
    { name: 'a', shape: [3] },
    { name: 'b', shape: [2, 5] },
    { name: 'c', shape: [] },
  ];

  it('places tensors at multiples of 64 bytes with zeros between', async () => {
    const arena = await runtime.allocateArena!(specs, 50);
    await arena.values['a']!.write(hostTensor('float32', [3], Float32Array.of(1, 2, 3)));
    await arena.values['b']!.write(hostTensor('float32', [2, 5], new Float32Array(10).fill(4)));
    await arena.values['c']!.write(hostTensor('float32', [], Float32Array.of(5)));
    const expected = new Float32Array(50);
    expected.set([1, 2, 3], 0);
    expected.fill(4, 16, 26);
    expected[32] = 5;
    expect((await arena.flat.read()).data).toEqual(expected);
    const chunks = arena.chunks(20);
    expect(chunks.map((chunk) => chunk.shape)).toEqual([[20], [20], [10]]);
    expect((await chunks[1]!.read()).data).toEqual(expected.slice(20, 40));
    const matrix = arena.matrix(25);
    expect(matrix.shape).toEqual([2, 25]);
    expect((await matrix.read()).data).toEqual(expected);
    expect(() => arena.matrix(7)).toThrow(/no rows of 7/);
    arena.dispose();
    await expect(chunks[0]!.read()).rejects.toThrow(/disposed/);
  });

  it('updates of views, chunks and the whole see one another', async () => {
    const arena = await runtime.allocateArena!(specs);
    const ones = await runtime.allocate('float32', [16], hostTensor('float32', [16], new Float32Array(16).fill(1)));
    const add = await runtime.compile(binary('Add', [16]), { inPlace: true });
    for (const chunk of arena.chunks(16)) await add.run({ x: chunk, y: ones }, { z: chunk });
    expect((await arena.values['b']!.read()).data).toEqual(new Float32Array(10).fill(1));
    const double = await runtime.compile(binary('Add', [arena.flat.shape[0]!]));
    await double.run({ x: arena.flat, y: arena.flat }, { z: arena.flat });
    expect((await arena.values['c']!.read()).data).toEqual(Float32Array.of(2));
  });

  it('a view that overlaps an input is double-buffered without leaving its place', async () => {
    const arena = await runtime.allocateArena!([{ name: 'x', shape: [32] }]);
    await arena.flat.write(
      hostTensor(
        'float32',
        [32],
        Float32Array.from({ length: 32 }, (_, i) => i),
      ),
    );
    // The reversed whole goes where the whole was: in place, its second half would be read too late.
    const source = model({
      inputs: [spec('x', [32]), spec('at', [32], 'int64')],
      outputs: [spec('y', [32])],
      nodes: [{ op: 'Gather', inputs: ['x', 'at'], outputs: ['y'] }],
    });
    const program = await runtime.compile(source);
    const reversed = BigInt64Array.from({ length: 32 }, (_, i) => BigInt(31 - i));
    const at = await runtime.allocate('int64', [32], hostTensor('int64', [32], reversed));
    await program.run({ x: arena.flat, at }, { y: arena.values['x']! });
    expect([...(await arena.flat.read()).data]).toEqual(Array.from({ length: 32 }, (_, i) => 31 - i));
  });

  it('gives its memory back once', async () => {
    const before = runtime.memory().values;
    const arena = await runtime.allocateArena!(specs);
    arena.chunks(8);
    expect(runtime.memory().values - before).toBe(48 * 4);
    arena.dispose();
    expect(runtime.memory().values).toBe(before);
  });
});

it('keeps the event loop free during a long run', async () => {
  const size = 1024;
  const nodes = Array.from({ length: 12 }, (_, i) => ({
    op: 'MatMul',
    inputs: [`x${i}`, 'w'],
    outputs: [`x${i + 1}`],
  }));
  const source = model({
    inputs: [spec('x0', [size, size]), spec('w', [size, size])],
    outputs: [spec('x12', [size, size])],
    nodes,
  });
  const program = await runtime.compile(source);
  const x = await runtime.allocate('float32', [size, size]);
  const running = program.run({ x0: x, w: x });
  let done = false;
  const finished = running.finally(() => {
    done = true;
  });
  let turns = 0;
  while (!done) {
    await new Promise((resolve) => setImmediate(resolve));
    turns++;
  }
  await finished;
  expect(turns).toBeGreaterThan(10);
});

it('timers run during a long loop of short runs', async () => {
  const program = await runtime.compile(binary('Add', [4]));
  const x = await runtime.allocate('float32', [4]);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const end = performance.now() + 300;
  while (performance.now() < end) await program.run({ x, y: x }, { z: x });
  clearInterval(timer);
  expect(ticks).toBeGreaterThan(10);
});

it('reads weights from a file beside the model, at any offset', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sensorium-'));
  try {
    const weights = Float32Array.of(1, 2, 3);
    const bytes = new Uint8Array(17 + weights.byteLength);
    bytes.set(new Uint8Array(weights.buffer), 17);
    await writeFile(join(folder, 'model.safetensors'), bytes);
    const source = model({
      inputs: [spec('x', [3])],
      outputs: [spec('z', [3])],
      nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['z'] }],
      external: { w: { dtype: 'float32', shape: [3], location: 'model.safetensors', offset: 17, length: 12 } },
    });
    for (const backend of ['c-api', 'binding'] as const) {
      const own = await createRuntime({ threads: 1, backend });
      const program = await own.compile({ ...source, externalFolder: folder }, { disablePrepacking: true });
      const x = await own.allocate('float32', [3], hostTensor('float32', [3], Float32Array.of(10, 10, 10)));
      expect([...(await (await program.run({ x }))['z']!.read()).data]).toEqual([11, 12, 13]);
      await own.dispose();
    }
    await expect(runtime.compile({ ...source, externalFolder: join(folder, 'absent') })).rejects.toThrow(
      /cannot be read/,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('computes with bfloat16 bits', async () => {
  const cast = model({
    inputs: [spec('x', [2], 'bfloat16')],
    outputs: [spec('y', [2])],
    nodes: [{ op: 'Cast', inputs: ['x'], outputs: ['y'], ints: { to: 1 } }],
  });
  const program = await runtime.compile(cast);
  const x = await runtime.allocate('bfloat16', [2], hostTensor('bfloat16', [2], Uint16Array.of(0x3f80, 0xc000)));
  expect([...(await (await program.run({ x }))['y']!.read()).data]).toEqual([1, -2]);
});

it('names the devices, and says what to do about those that are not there', async () => {
  const devices = await listDevices();
  expect(devices.map((report) => report.device)).toEqual(['cpu', 'webgpu', 'cuda']);
  expect(devices[0]).toMatchObject({ available: true });
  for (const { device, available } of devices) {
    if (!available) {
      await expect(createRuntime({ device })).rejects.toThrow(
        new RegExp(`no device "${device}".*use device "cpu"`, 's'),
      );
    }
  }
  await expect(createRuntime({ threads: 0 })).rejects.toThrow(/0 threads/);
});
