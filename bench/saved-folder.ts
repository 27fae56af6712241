import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openModel } from '../src/auto/node/index.ts';
import { hostTensor, type WeightDType } from '../src/core/index.ts';
import { Decoding } from '../src/generate/index.ts';
import {
  openCheckpoint,
  saveCheckpoint,
  tensorSources,
  weightStreams,
  writeSafetensors,
} from '../src/hub/node/index.ts';
import { createRuntime } from '../src/runtime/node/index.ts';
import { makeCheckpoint } from './make-checkpoint.ts';
import type { BenchOptions, Figure } from './types.ts';

export const description = 'Whether transformers gives the same logits from folders that were saved here';

const TOKENS = 24;
const MODELS = ['tiny-llama', 'tiny-qwen2'];
const WAYS: readonly [name: string, dtype: WeightDType, maxShardBytes: number][] = [
  ['float32', 'float32', 1e9],
  ['float32, sharded', 'float32', 100_000],
  ['float16', 'float16', 1e9],
  ['bfloat16, sharded', 'bfloat16', 100_000],
];

/** Folders of tiny random models, saved in each way, and read by transformers. */
export async function* run({ python, threads }: BenchOptions): AsyncGenerator<Figure> {
  const peer = 'transformers';
  if (python === undefined) {
    yield { name: 'logits', value: Number.NaN, unit: '', peer, note: 'left out: give --python a Python that has it' };
    return;
  }
  const scratch = await mkdtemp(join(tmpdir(), 'saved-folder-'));
  const checker = fileURLToPath(new URL('../../bench/peers/check_saved_folder.py', import.meta.url));
  try {
    for (const model of MODELS) {
      const made = join(scratch, model);
      await makeCheckpoint(model, made, 'float32');
      for (const [way, dtype, maxShardBytes] of WAYS) {
        const folder = join(scratch, `${model} ${way}`);
        const { config, weights } = await openCheckpoint(made);
        const parts = { config, tensors: weightStreams(weights), companionsOf: made };
        await saveCheckpoint(folder, parts, { dtype, maxShardBytes });
        await weights.close();
        await writeLogits(folder, threads);
        const { stdout } = await promisify(execFile)(python, [checker, folder]);
        const { difference, agreed, faults } = JSON.parse(stdout.trim().split('\n').at(-1)!) as Check;
        const note = `${(agreed * 100).toFixed(0)} % of the likeliest tokens agree; ${JSON.stringify(faults)}`;
        yield { name: `${model}, ${way}: difference of logits`, value: difference, unit: 'relative', peer, note };
      }
    }
  } finally {
    await rm(scratch, { recursive: true });
  }
}

interface Check {
  readonly difference: number;
  readonly agreed: number;
  /** Tensors that transformers missed, or did not know. */
  readonly faults: Readonly<Record<string, readonly string[]>>;
}

/** Logits after each token of a text, beside the folder. */
async function writeLogits(folder: string, threads: number): Promise<void> {
  const { architecture, weights } = await openModel(folder);
  if (architecture.kind !== 'generating') throw new Error(`${folder} does not write texts`);
  const runtime = await createRuntime({ threads });
  const decoding = await Decoding.create(runtime, architecture.model, weights);
  const tokens = Array.from({ length: TOKENS }, (_, i) => (i * 37 + 5) % decoding.vocabularySize);
  const logits = hostTensor('float32', [TOKENS, decoding.vocabularySize]);
  const state = await decoding.start(1, TOKENS);
  for (const [i, token] of tokens.entries())
    logits.data.set((await state.read([[token]])).data, i * decoding.vocabularySize);
  state.dispose();
  await runtime.dispose();
  const ids = hostTensor('int64', [TOKENS], BigInt64Array.from(tokens, BigInt));
  await writeSafetensors(`${folder}.logits.safetensors`, tensorSources(Object.entries({ ids, logits })));
}
