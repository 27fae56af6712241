/** How fast this machine is, measured in about a second. */
import { hostTensor } from '../../core/index.ts';
import { add, input, matmul, mul } from '../../graph/index.ts';
import { lower } from '../../onnx/index.ts';
import type { Runtime, Value } from '../../runtime/types.ts';

export interface MachineRates {
  /** Additions and multiplications of products, a second. */
  readonly operations: number;
  /** Bytes that elementwise operators read and write, a second. */
  readonly bytes: number;
}

const ROWS = 1024;
const WIDTH = 512;
/** More than the processor's caches hold. */
const ELEMENTS = 8 * 1024 * 1024;
const MILLISECONDS = 300;

/** Times a product of [1024, 512] and [512, 512], and sums and products of long vectors. */
export async function measureRates(runtime: Runtime): Promise<MachineRates> {
  const product = matmul(input('a', 'float32', [ROWS, WIDTH]), input('b', 'float32', [WIDTH, WIDTH]));
  const a = input('a', 'float32', [ELEMENTS]);
  const mixed = add(mul(a, input('b', 'float32', [ELEMENTS])), a);
  return {
    operations: (2 * ROWS * WIDTH * WIDTH) / (await seconds(runtime, product, [ROWS, WIDTH], [WIDTH, WIDTH])),
    // The product reads two vectors and writes one, and so does the sum.
    bytes: (6 * 4 * ELEMENTS) / (await seconds(runtime, mixed, [ELEMENTS], [ELEMENTS])),
  };
}

async function seconds(
  runtime: Runtime,
  result: ReturnType<typeof matmul>,
  a: readonly number[],
  b: readonly number[],
): Promise<number> {
  const program = await runtime.compile(lower({ y: result }), { optimization: 'disabled', spinning: false });
  const allocate = (shape: readonly number[]): Promise<Value> => {
    const tensor = hostTensor('float32', shape);
    tensor.data.fill(0.5);
    return runtime.allocate('float32', shape, tensor);
  };
  const values = { a: await allocate(a), b: await allocate(b) };
  const y = await runtime.allocate('float32', result.shape as number[]);
  const times: number[] = [];
  const end = performance.now() + MILLISECONDS;
  do {
    const start = performance.now();
    await program.run(values, { y });
    times.push((performance.now() - start) / 1000);
  } while (performance.now() < end || times.length < 5);
  program.dispose();
  for (const value of [values.a, values.b, y]) value.dispose();
  // The first runs wake the threads.
  return times.slice(1).sort((p, q) => p - q)[(times.length - 1) >> 1]!;
}
