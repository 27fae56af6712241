/** What a batch holds does not grow with what it answers. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openModel } from '../../../../src/auto/node/open-model.ts';
import { ContinuousBatch, Decoding } from '../../../../src/generate/index.ts';
import { createRuntime } from '../../../../src/runtime/node/index.ts';

it('many answers take no more bytes than the first ones, and none when they are over', async () => {
  const folder = fileURLToPath(new URL('../../../parity/fixtures/decoders/llama', import.meta.url));
  const { architecture, weights } = await openModel(folder);
  if (architecture.kind !== 'generating') throw new Error(architecture.kind);
  const runtime = await createRuntime({ threads: 1 });
  const decoding = await Decoding.create(runtime, architecture.model, weights);
  const before = runtime.memory().values;
  const batch = await ContinuousBatch.create(decoding, { rows: 4, prefixBytes: 20_000 });
  const round = async (): Promise<void> => {
    await Promise.all(
      Array.from({ length: 6 }, async (_, i) => {
        const tokens = Array.from({ length: 4 + 9 * i }, (__, t) => (t * 7 + i) % 90);
        let written = 0;
        // One listener leaves early.
        for await (const _token of batch.generate(tokens, { maxNewTokens: 20 })) if (++written === 3 && i === 2) break;
      }),
    );
  };
  await round();
  const held = runtime.memory().values;
  for (let i = 0; i < 12; i++) {
    await round();
    expect(batch.stats.prefixBytes).toBeLessThanOrEqual(20_000);
  }
  expect(runtime.memory().values).toBe(held);
  await batch.dispose();
  expect(runtime.memory().values).toBe(before);
  decoding.dispose();
  await runtime.dispose();
});

it('long answers are written in fewer rows where all together would not fit', async () => {
  const folder = fileURLToPath(new URL('../../../parity/fixtures/decoders/llama', import.meta.url));
  const { architecture, weights } = await openModel(folder);
  if (architecture.kind !== 'generating') throw new Error(architecture.kind);
  const runtime = await createRuntime({ threads: 1 });
  const decoding = await Decoding.create(runtime, architecture.model, weights);
  const { slots, lease } = decoding.program();
  lease.end();
  const tokenBytes = 4 * slots.reduce((sum, { heads, headWidth }) => sum + heads * headWidth, 0);
  // Room for two rows of 256 tokens, or four of 128.
  const batch = await ContinuousBatch.create(decoding, { rows: 4, cacheBytes: 2 * 256 * tokenBytes });
  const most = async (length: number): Promise<number> => {
    let writing = 0;
    await Promise.all(
      Array.from({ length: 5 }, async (_, i) => {
        const tokens = Array.from({ length }, (__, t) => (t * 7 + i) % 90);
        for await (const _token of batch.generate(tokens, { maxNewTokens: 20 }))
          writing = Math.max(writing, batch.stats.writing);
      }),
    );
    return writing;
  };
  expect(await most(20)).toBe(4);
  expect(await most(200)).toBe(2);
  // The room of long answers is given back when nobody writes.
  expect(await most(20)).toBe(4);
  await batch.dispose();
  decoding.dispose();
  await runtime.dispose();
});
