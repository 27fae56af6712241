import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeChatFolder } from '../chat-folder.ts';
import { chatModel } from './chat-model.ts';
import { command, MAIN, sensorium } from './cli.ts';

const { scratch, model } = chatModel();

it('answers one question, the same with the same seed', async () => {
  const ask = ['chat', '--model', model, '--prompt', 'what is this', '--max-tokens', '12', '--temperature', '0.8'];
  const [first, second] = [await sensorium(...ask, '--seed', '1'), await sensorium(...ask, '--seed', '1')];
  expect(first).toMatchObject({ code: 0, err: '', left: [] });
  expect(first.out.trim()).not.toBe('');
  expect(second.out).toBe(first.out);
  expect((await sensorium(...ask, '--seed', '2')).out).not.toBe(first.out);
});

it('prints JSON for programs', async () => {
  const { code, out } = await sensorium('chat', '-m', model, '-p', 'a red apple', '--max-tokens', '5', '--json');
  expect(code).toBe(0);
  const answer = JSON.parse(out) as { text: string; finish: string; tokens: { logProbability: number }[] };
  expect(answer.finish).toBe('length');
  expect(answer.tokens).toHaveLength(5);
  for (const { logProbability } of answer.tokens) expect(logProbability).toBeLessThan(0);
});

it('converses until the input ends, and begins anew', async () => {
  const script = `printf 'what is this\\na red apple\\n/new\\nwhat is this\\n/bye\\n' | "$0" "$@"`;
  const { code, out, err } = await command('sh', [
    '-c',
    script,
    process.execPath,
    MAIN,
    'chat',
    '--model',
    model,
    '--max-tokens',
    '8',
  ]);
  expect([code, err]).toEqual([0, '']);
  const answers = out.split('> ').filter((part) => part.trim() !== '');
  expect(answers).toHaveLength(3);
  expect(answers[2]!.trim()).toBe(answers[0]!.trim());
  expect(answers[1]!.trim()).not.toBe(answers[0]!.trim());
});

it.each([
  [['--json'], /add --prompt/],
  [['--prompt', 'a', '--temperature', '-1'], /temperature is -1\n {2}→/],
  [['--prompt', 'a', '--top-k', 'many'], /It must be a number/],
  [['--prompt', 'a', '--max-tokens', '1000'], /more than the 256 that the model was made for/],
])('refuses %j', async (given, message) => {
  const { code, err, out } = await sensorium('chat', '--model', model, ...given);
  expect([code, out]).toEqual([1, '']);
  expect(err).toMatch(message);
});

it('says what a folder lacks', async () => {
  const bare = await writeChatFolder(join(scratch, 'bare'), { 'tokenizer_config.json': {} });
  expect((await sensorium('chat', '-m', bare, '-p', 'a')).err).toMatch(/no chat template\n {2}→/);
  expect((await sensorium('chat', '-m', join(scratch, 'none'), '-p', 'a')).err).toMatch(/none/);
});
