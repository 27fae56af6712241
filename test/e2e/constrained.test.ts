import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeChatFolder } from '../chat-folder.ts';
import { ensureBuilt, sensorium, temporaryFolder } from './cli.ts';

/** One token a byte, for the letters that 97 tokens have room for: from the space on. */
const LETTERS = ['Ġ', ...Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i))];
const TOKENIZER = {
  added_tokens: [{ id: 95, content: '</s>', special: true }],
  normalizer: null,
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: null,
  decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  model: { type: 'BPE', vocab: Object.fromEntries(LETTERS.map((letter, i) => [letter, i])), merges: [] },
};
const SCHEMA = {
  type: 'object',
  properties: { ok: { type: 'boolean' }, n: { type: 'integer', minimum: 1, maximum: 9 } },
  required: ['ok', 'n'],
};
const TEMPLATE = '{% for message in messages %}{{ message.content }}{% endfor %}';

const scratch = temporaryFolder();
let ask: string[];
let schema: string;
beforeAll(async () => {
  ensureBuilt();
  const model = await writeChatFolder(join(scratch.path, 'model'), {
    'tokenizer.json': TOKENIZER,
    'tokenizer_config.json': { eos_token: '</s>', chat_template: TEMPLATE },
    'generation_config.json': { eos_token_id: 95 },
  });
  schema = join(scratch.path, 'schema.json');
  await writeFile(schema, JSON.stringify(SCHEMA));
  ask = ['chat', '--model', model, '--prompt', 'what is this'];
}, 300_000);
afterAll(scratch.remove);

it('writes what the form allows', async () => {
  const json = await sensorium(...ask, '--json-schema', schema);
  expect(json).toMatchObject({ code: 0, err: '' });
  const { ok, n } = JSON.parse(json.out) as { ok: unknown; n: number };
  expect([typeof ok, n >= 1 && n <= 9]).toEqual(['boolean', true]);
  expect((await sensorium(...ask, '--regex', '[ab]{3}-\\d')).out).toMatch(/^[ab]{3}-\d\n$/);
  expect(['red\n', 'green\n']).toContain((await sensorium(...ask, '--choice', 'red', '--choice', 'green')).out);
});

it('stops before a text, and searches with beams', async () => {
  const whole = (await sensorium(...ask, '--max-tokens', '12', '--beams', '3')).out.trim();
  const stop = whole.slice(3, 5);
  const cut = await sensorium(...ask, '--max-tokens', '12', '--beams', '3', '--stop', stop);
  expect(cut).toMatchObject({ code: 0, out: `${whole.slice(0, whole.indexOf(stop))}\n` });
});

it.each([
  [['--regex', 'a', '--choice', 'b'], /give one of/],
  [['--regex', '(a'], /\( without its \)/],
  [['--json-schema', 'no-such-file.json'], /cannot be read/],
  [['--stop', ''], /1 to 1000 letters/],
  [['--beams', '2', '--temperature', '1'], /leave these out/],
])('refuses %j', async (given, message) => {
  const { code, err, out } = await sensorium(...ask, ...given);
  expect([code, out]).toEqual([1, '']);
  expect(err).toMatch(message);
});
