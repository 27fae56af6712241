import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { Decoding, generate } from '../../../src/generate/index.ts';
import { locateWeights, Weights } from '../../../src/hub/node/index.ts';
import { decoderNames, Llama, parseLlamaConfig } from '../../../src/models/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import type { Runtime, Value } from '../../../src/runtime/types.ts';

it('many tokens take no more values, nor more bytes, than few', async () => {
  const folder = fileURLToPath(new URL('../../parity/fixtures/decoders/llama', import.meta.url));
  const runtime = await createRuntime({ threads: 1 });
  const live = new Map<Value, number>();
  const counting = new Proxy<Runtime>(runtime, {
    get(target, key) {
      const property: unknown = Reflect.get(target, key);
      if (key !== 'allocate') return typeof property === 'function' ? property.bind(target) : property;
      return async (...given: Parameters<Runtime['allocate']>): Promise<Value> => {
        const value = await target.allocate(...given);
        live.set(
          value,
          given[1].reduce((size, length) => size * length, given[0] === 'int64' ? 8 : 4),
        );
        const dispose = value.dispose.bind(value);
        value.dispose = () => {
          live.delete(value);
          dispose();
        };
        return value;
      };
    },
  });
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as object;
  const model = new Llama(parseLlamaConfig({ ...config, max_position_embeddings: 512 }));
  const weights = await Weights.open(folder);
  const decoding = await Decoding.create(
    counting,
    model,
    locateWeights(weights, model.parameters(), decoderNames(true)),
  );
  await weights.close();
  const held: string[] = [];
  for await (const _ of generate(decoding, [[5, 9, 30]], { maxNewTokens: 300 }))
    held.push(`${live.size} values, ${[...live.values()].reduce((sum, bytes) => sum + bytes, 0)} bytes`);
  expect(held).toHaveLength(300);
  // The second step makes the inputs of single tokens, which are kept.
  expect(new Set(held.slice(1))).toEqual(new Set([held[1]]));
  expect(live.size).toBe(0);
  decoding.dispose();
  await runtime.dispose();
});
