/** `sensorium serve` as a process: asked by curl, told to end, and left by its clients. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt, MAIN, temporaryFolder } from '../cli.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import { about, disc, LONG } from './starter-server.ts';

const scratch = temporaryFolder();
const children: ChildProcess[] = [];
beforeAll(ensureBuilt, 600_000);
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(scratch.remove);

const serve = (...args: string[]): Promise<ServerProcess> =>
  startServer(args, { folder: scratch.path, onStart: (child) => children.push(child) });

async function curl(...args: string[]): Promise<string> {
  const child = spawn('curl', ['--silent', '--show-error', '--max-time', '120', ...args]);
  let [out, problem] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (problem += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`curl: ${code} ${problem}`);
  return out;
}

const json = ['-H', 'Content-Type: application/json'];

let bodies = 0;

/** A body in a file, since pictures are too long for an argument. */
async function body(parts: object): Promise<string> {
  const file = join(scratch.path, `body-${bodies++}.json`);
  writeFileSync(file, JSON.stringify({ model: 'starter', messages: about(await disc()), max_tokens: 12, ...parts }));
  return `@${file}`;
}

describe('sensorium serve', () => {
  it('answers curl, whole and streamed, and shows itself', async () => {
    const { url, child } = await serve();
    const whole = JSON.parse(
      await curl(...json, '-d', await body({ temperature: 0 }), `${url}/v1/chat/completions`),
    ) as { choices: [{ message: { content: string } }] };
    const { content } = whole.choices[0].message;
    expect(content).toMatch(/red/);
    const streamed = await curl(
      '--no-buffer',
      ...json,
      '-d',
      await body({ temperature: 0, stream: true }),
      `${url}/v1/chat/completions`,
    );
    const events = streamed.trim().split('\n\n');
    expect(events.at(-1)).toBe('data: [DONE]');
    const chunks = events.slice(0, -1).map((event) => JSON.parse(event.replace(/^data: /, '')) as never);
    const text = chunks.flatMap(({ choices }: { choices: { delta: { content?: string } }[] }) =>
      choices.map(({ delta }) => delta.content ?? ''),
    );
    expect(text.join('')).toBe(content);

    expect(JSON.parse(await curl(`${url}/health`))).toEqual({ status: 'ok' });
    expect(JSON.parse(await curl(`${url}/ready`))).toEqual({ status: 'ready' });
    expect(JSON.parse(await curl(`${url}/openapi.json`))).toMatchObject({ openapi: '3.1.0' });
    expect(await curl(`${url}/metrics`)).toMatch(/sensorium_generated_tokens_total\{model="starter"\} \d+/);
    expect(await curl('--include', `${url}/`)).toMatch(/^HTTP\/1\.1 200/);
    const wrong = await curl('--include', ...json, '-d', '{"model":', `${url}/v1/chat/completions`);
    expect(wrong).toMatch(/^HTTP\/1\.1 400/);
    expect(wrong).toMatch(/"code":"invalid_json"/);

    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('answers what it accepted before it ends', async () => {
    const { url, child, said } = await serve();
    const asked = [
      curl(...json, '-d', await body(LONG), `${url}/v1/chat/completions`),
      curl('--no-buffer', ...json, '-d', await body({ ...LONG, stream: true }), `${url}/v1/chat/completions`),
    ];
    await until(async () => /under_way 3/.test(await curl(`${url}/metrics`)));
    child.kill('SIGTERM');
    const [whole, streamed] = await Promise.all(asked);
    expect(JSON.parse(whole!)).toMatchObject({ object: 'chat.completion' });
    expect(streamed).toMatch(/\[DONE\]\n\n$/);
    expect(await once(child, 'exit')).toEqual([0, null]);
    await expect(curl(`${url}/health`)).rejects.toThrow(/curl: (7|52|56)/);
    expect(said()).toMatch(/Ending; 2 requests/);
  });

  it('tells those whose answers take too long that it ends', async () => {
    const { url, child } = await serve('--drain-seconds', '0');
    const asked = [
      curl(...json, '-d', await body(LONG), `${url}/v1/chat/completions`),
      curl('--no-buffer', ...json, '-d', await body({ ...LONG, stream: true }), `${url}/v1/chat/completions`),
    ];
    await until(async () => /under_way 3/.test(await curl(`${url}/metrics`)));
    child.kill('SIGTERM');
    for (const answer of await Promise.all(asked)) expect(answer).toMatch(/"code":"server_stopping"/);
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('stops writing for clients that leave', async () => {
    const { url } = await serve();
    for (const stream of [true, false]) {
      const gone = new AbortController();
      const asked = fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ model: 'starter', messages: about(await disc()), ...LONG, stream }),
        signal: gone.signal,
      });
      asked.catch(() => {});
      await until(async () => /under_way 2/.test(await curl(`${url}/metrics`)));
      gone.abort();
      await until(async () => /under_way 1/.test(await curl(`${url}/metrics`)));
      // The model is free again: a short answer does not wait for the long one.
      const short = await curl(...json, '-d', await body({ max_tokens: 1 }), `${url}/v1/chat/completions`);
      expect(JSON.parse(short)).toMatchObject({ object: 'chat.completion' });
    }
    expect(await curl(`${url}/metrics`)).toMatch(/ended="left"/);
  });

  it('says what is wrong before it listens', async () => {
    const { code, err } = await failing('serve', '--model', 'no-such-folder');
    expect(code).toBe(1);
    expect(err).toMatch(/CheckpointError: there is no folder no-such-folder/);
    const open = await failing('serve', '--host', '0.0.0.0');
    expect(open.code).toBe(1);
    expect(open.err).toMatch(/there are no keys/);
    const adapter = await failing('serve', '--adapter', 'other:cups=somewhere');
    expect(adapter.err).toMatch(/the model other, which is not served/);
  });
});

async function failing(...args: string[]): Promise<{ code: number | null; err: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: scratch.path, stdio: ['ignore', 'ignore', 'pipe'] });
  children.push(child);
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, err };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it never came to be');
}
