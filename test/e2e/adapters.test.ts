import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { chatModel } from './chat-model.ts';
import { sensorium } from './cli.ts';

const { scratch, model } = chatModel();
const adapter = (name: string): string =>
  fileURLToPath(new URL(`../parity/fixtures/adapters/${name}`, import.meta.url));

const ask = (folder: string, ...more: string[]) =>
  sensorium('chat', '--model', folder, '--prompt', 'what is this', '--max-tokens', '12', ...more);

it('answers otherwise with an adapter, and so does the model that it was merged into', async () => {
  const plain = await ask(model);
  const adapted = await ask(model, '--adapter', adapter('llama-lora'));
  expect(adapted).toMatchObject({ code: 0, err: '' });
  expect(adapted.out).not.toBe(plain.out);
  expect((await ask(model, '--adapter', `${adapter('llama-lora')}=0`)).out).toBe(plain.out);
  const merged = join(scratch, 'merged');
  const { code, out } = await sensorium('adapter', 'merge', model, adapter('llama-lora'), '--out', merged);
  expect(code).toBe(0);
  expect(out).toMatch(/14 layers changed/);
  expect((await ask(merged)).out).toBe(adapted.out);
});

it('says what is wrong', async () => {
  const other = await ask(model, '--adapter', adapter('qwen2-dora'));
  expect(other.code).toBe(1);
  expect(other.err).toMatch(/of this model/);
  const none = await ask(model, '--adapter', join(scratch, 'nothing'));
  expect(none.code).toBe(1);
  expect(none.err).toMatch(/nothing/);
});
