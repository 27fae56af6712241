import { fileURLToPath } from 'node:url';
import { Peer } from './peer.ts';
import { floatingOperations } from './product-rate.ts';
import { type BenchOptions, type Figure, median } from './types.ts';
import { PRODUCTS } from './workloads/products.ts';

export const description =
  'One training step of a GPT and of ViT-S/16 beside PyTorch (eager and compiled) and other JavaScript engines';

const NAMES = { gpt: 'GPT 6×256, 16×128 tokens', vit: 'ViT-S/16 at 224, batch 8' };

/** Sources of the peers, beside this file's sources and not its compiled form. */
function peerFile(name: string): string {
  return fileURLToPath(new URL(`../../bench/peers/${name}`, import.meta.url));
}

interface Side {
  readonly name: string;
  readonly peer: Peer;
  readonly seconds: number[];
}

export async function* run(options: BenchOptions): AsyncGenerator<Figure> {
  for (const workload of ['gpt', 'vit'] as const) {
    const own = await Peer.start(
      process.execPath,
      [fileURLToPath(new URL('./train-step-worker.js', import.meta.url)), workload, String(options.threads)],
      options.threads,
    );
    const sides: Side[] = [{ name: 'Sensorium', peer: own, seconds: [] }];
    const missing: Figure[] = [];
    const add = async (name: string, command: string | undefined, args: string[], hint: string): Promise<void> => {
      try {
        if (command === undefined) throw new Error(hint);
        sides.push({ name, peer: await Peer.start(command, args, options.threads), seconds: [] });
      } catch (error) {
        missing.push({
          name: `${NAMES[workload]}, step`,
          value: Number.NaN,
          unit: 'ms',
          peer: name,
          note: `left out: ${(error as Error).message}`,
        });
      }
    };
    for (const mode of ['eager', 'compiled']) {
      const args = [
        peerFile('torch_train_step.py'),
        '--workload',
        workload,
        '--mode',
        mode,
        '--threads',
        String(options.threads),
      ];
      await add(`PyTorch ${mode}`, options.python, args, 'give --python a Python that has torch');
    }
    if (workload === 'gpt') {
      for (const [name, file] of [
        ['jax-js (wasm)', 'jax_js.mjs'],
        ['TensorFlow.js (wasm)', 'tfjs.mjs'],
      ] as const) {
        const args = [peerFile(file), '--modules', options.modules ?? '', '--threads', String(options.threads)];
        await add(
          name,
          options.modules === undefined ? undefined : process.execPath,
          args,
          'give --modules a node_modules folder that has it',
        );
      }
    }
    const products: number[] = [];
    try {
      for (let round = 0; round < options.rounds; round++) {
        products.push((await own.ask('products'))['seconds'] as number);
        // Slow peers take one step a round; they are not what the median of the others depends on.
        for (const side of sides) side.seconds.push(await side.peer.step(side.name.includes('wasm') ? 1 : 3));
      }
      const seconds = median(sides[0]!.seconds);
      const operations = 3 * floatingOperations(PRODUCTS[workload]);
      yield {
        name: `${NAMES[workload]}, products`,
        value: operations / seconds / 1e9,
        unit: 'GFLOP/s',
        peer: 'ONNX Runtime on the same products alone',
        peerValue: operations / median(products) / 1e9,
        ratio: median(products) / seconds,
      };
      for (const side of sides.slice(1)) {
        const peerSeconds = median(side.seconds);
        yield {
          name: `${NAMES[workload]}, step`,
          value: seconds * 1000,
          unit: 'ms',
          peer: side.name,
          peerValue: peerSeconds * 1000,
          ratio: peerSeconds / seconds,
        };
      }
      yield* missing;
      const bytes = await own.peakBytes();
      for (const side of sides.slice(1).filter(({ name }) => name.startsWith('PyTorch'))) {
        const peerBytes = await side.peer.peakBytes();
        yield {
          name: `${NAMES[workload]}, peak memory`,
          value: bytes / 2 ** 20,
          unit: 'MiB',
          peer: side.name,
          peerValue: peerBytes / 2 ** 20,
          ratio: peerBytes / bytes,
        };
      }
    } finally {
      for (const side of sides) side.peer.stop();
    }
  }
}
