/** How fast the engine does a model's products by themselves: the bound that a training step is held against. */
import { hostTensor, Random } from '../src/core/index.ts';
import { input, matmul } from '../src/graph/index.ts';
import { lower } from '../src/onnx/index.ts';
import type { Runtime, Value } from '../src/runtime/types.ts';
import { median } from './types.ts';

/** `count` products [batch, rows, inner] × [batch, inner, columns]. */
export interface ProductShape {
  readonly count: number;
  readonly batch: number;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
}

/** A transformer's products, forward; each costs the same twice more in the backward pass. */
export function transformerProducts(sizes: {
  layers: number;
  width: number;
  heads: number;
  batch: number;
  length: number;
  outputs: number;
  /** Rows that the last layer is applied to. */
  outputRows: number;
}): ProductShape[] {
  const { layers, width, heads, batch, length, outputs, outputRows } = sizes;
  const rows = batch * length;
  const plain = (inner: number, columns: number, count = layers): ProductShape => ({
    count,
    batch: 1,
    rows,
    inner,
    columns,
  });
  const head = width / heads;
  return [
    plain(width, 3 * width),
    plain(width, width),
    plain(width, 4 * width),
    plain(4 * width, width),
    { count: layers, batch: batch * heads, rows: length, inner: head, columns: length },
    { count: layers, batch: batch * heads, rows: length, inner: length, columns: head },
    { count: 1, batch: 1, rows: outputRows, inner: width, columns: outputs },
  ];
}

export function floatingOperations(products: readonly ProductShape[]): number {
  return products.reduce(
    (sum, { count, batch, rows, inner, columns }) => sum + 2 * count * batch * rows * inner * columns,
    0,
  );
}

/** Seconds that a forward and a backward pass would take if there were nothing but products: forward and both gradients. */
export async function productSeconds(runtime: Runtime, products: readonly ProductShape[]): Promise<number> {
  const random = new Random(1);
  let seconds = 0;
  for (const { count, batch, rows, inner, columns } of products) {
    // Forward Y = X W, then dX = dY Wᵀ and dW = Xᵀ dY, as they stand in the training graph.
    const variants = [
      { a: [rows, inner], b: [inner, columns], transA: false, transB: false },
      { a: [rows, columns], b: [inner, columns], transA: false, transB: true },
      { a: [rows, inner], b: [rows, columns], transA: true, transB: false },
    ];
    for (const { a, b, transA, transB } of variants) {
      const shape = (size: number[]): number[] => (batch === 1 ? size : [batch, ...size]);
      const product = matmul(input('a', 'float32', shape(a)), input('b', 'float32', shape(b)), { transA, transB });
      const program = await runtime.compile(lower({ y: product }), { optimization: 'disabled' });
      const allocate = async (size: number[]): Promise<Value> => {
        const tensor = hostTensor('float32', shape(size));
        for (let i = 0; i < tensor.data.length; i++) tensor.data[i] = random.uniform(-1, 1);
        return await runtime.allocate('float32', shape(size), tensor);
      };
      const values = { a: await allocate(a), b: await allocate(b) };
      const y = await runtime.allocate('float32', product.shape as number[]);
      const times: number[] = [];
      for (let i = 0; i < 12; i++) {
        const start = performance.now();
        await program.run(values, { y });
        if (i >= 2) times.push((performance.now() - start) / 1000);
      }
      seconds += count * median(times);
      program.dispose();
      for (const value of [values.a, values.b, y]) value.dispose();
    }
  }
  return seconds;
}
