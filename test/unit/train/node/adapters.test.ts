import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hostTensor, Random } from '../../../../src/core/index.ts';
import { readAdapter } from '../../../../src/hub/node/index.ts';
import { attachLora, Linear, Module } from '../../../../src/nn/index.ts';
import { attachStored, saveAdapter } from '../../../../src/train/node/index.ts';
import { temporaryFolder } from '../../hub/node/temporary.ts';

const folder = temporaryFolder();

class Pair extends Module {
  readonly up = new Linear(6, 8);
  readonly down = new Linear(8, 6);
}

/** What the configuration says of α, of layers that have their own as well. */
function alphasOf(path: string): unknown {
  const { lora_alpha, alpha_pattern } = JSON.parse(readFileSync(join(path, 'adapter_config.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  return { lora_alpha, alpha_pattern };
}

it('keeps α to the last bit, by roots of ranks and when it is trained further', async () => {
  const model = new Pair();
  model.parameters();
  // 7 / √2 · √2 is more than 7.
  const config = { rank: 2, alpha: 7, targets: ['up', 'down'], alphas: { down: 3.3 }, rankStabilized: true };
  const adapter = attachLora(model, config);
  const values = await adapter.firstValues(new Random(1), (_, shape) => hostTensor('float32', shape));
  const [first, second] = [join(folder, 'first'), join(folder, 'second')];
  await saveAdapter(first, adapter, values, { names: {} });
  expect(alphasOf(first)).toEqual({ lora_alpha: 7, alpha_pattern: { down: 3.3 } });
  adapter.detach();
  const again = attachStored(model, await readAdapter(first, model.parameters(), {}));
  await saveAdapter(second, again.adapter, again.values, { names: {} });
  expect(alphasOf(second)).toEqual(alphasOf(first));
});
