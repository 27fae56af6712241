import { createRuntime } from '../src/runtime/node/index.ts';
import { identityModel } from '../src/runtime/identity-model.ts';

/** One figure of a benchmark, as `sensorium bench --json` prints it; a ratio above 1 means that Sensorium is better. */
export interface OverheadResult {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly peer: string;
  readonly ratio: number;
}

/**
 * What one run of a program costs beyond its kernels: a graph of one node over 16 floats, its values kept.
 * @param runs how many runs a round has; the median of five rounds counts
 * @returns µs per run through the C API, beside the engine's JavaScript binding
 */
export async function runOverhead(runs = 10_000): Promise<OverheadResult[]> {
  const micros: Record<'c-api' | 'binding', number> = { 'c-api': 0, binding: 0 };
  for (const backend of ['c-api', 'binding'] as const) {
    const runtime = await createRuntime({ threads: 1, backend });
    const specs = (name: string) => [{ name, dtype: 'float32' as const, shape: [16] }];
    const source = { bytes: identityModel('float32'), inputs: specs('x'), outputs: specs('y') };
    const program = await runtime.compile(source, { optimization: 'disabled' });
    const x = await runtime.allocate('float32', [16]);
    const y = await runtime.allocate('float32', [16]);
    const rounds: number[] = [];
    for (let round = 0; round < 6; round++) {
      const start = performance.now();
      for (let i = 0; i < runs; i++) await program.run({ x }, { y });
      // The first round warms up.
      if (round > 0) rounds.push(((performance.now() - start) * 1000) / runs);
    }
    micros[backend] = rounds.sort((a, b) => a - b)[2]!;
    await runtime.dispose();
  }
  const ratio = micros.binding / micros['c-api'];
  return [{ name: 'run-overhead', value: micros['c-api'], unit: 'µs/run', peer: 'onnxruntime-node binding', ratio }];
}
