import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeChatFolder } from '../chat-folder.ts';
import { ensureBuilt, sensorium, temporaryFolder } from './cli.ts';

const scratch = temporaryFolder();
const adapter = (name: string): string =>
  fileURLToPath(new URL(`../parity/fixtures/adapters/${name}`, import.meta.url));
let model: string;
beforeAll(async () => {
  ensureBuilt();
  model = await writeChatFolder(join(scratch.path, 'model'));
}, 300_000);
afterAll(scratch.remove);

const ask = (folder: string, ...more: string[]) =>
  sensorium('chat', '--model', folder, '--prompt', 'what is this', '--max-tokens', '12', ...more);

it('answers otherwise with an adapter, and so does the model that it was merged into', async () => {
  const plain = await ask(model);
  const adapted = await ask(model, '--adapter', adapter('llama-lora'));
  expect(adapted).toMatchObject({ code: 0, err: '' });
  expect(adapted.out).not.toBe(plain.out);
  expect((await ask(model, '--adapter', `${adapter('llama-lora')}=0`)).out).toBe(plain.out);
  const merged = join(scratch.path, 'merged');
  const { code, out } = await sensorium('adapter', 'merge', model, adapter('llama-lora'), '--out', merged);
  expect(code).toBe(0);
  expect(out).toMatch(/14 layers changed/);
  expect((await ask(merged)).out).toBe(adapted.out);
});

it('says what is wrong', async () => {
  const other = await ask(model, '--adapter', adapter('qwen2-dora'));
  expect(other.code).toBe(1);
  expect(other.err).toMatch(/of this model/);
  const none = await ask(model, '--adapter', join(scratch.path, 'nothing'));
  expect(none.code).toBe(1);
  expect(none.err).toMatch(/nothing/);
});
