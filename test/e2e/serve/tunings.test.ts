/** Tunings while a server of its own process answers: what is learned, and what is left when something ends it. */
import { type ChildProcess, execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { Random } from '../../../src/core/index.ts';
import { ensureBuilt, temporaryFolder } from '../cli.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import { about, disc } from './starter-server.ts';

const scratch = temporaryFolder();
const temporary = join(scratch.path, 'tmp');
const children: ChildProcess[] = [];
beforeAll(() => {
  ensureBuilt();
  mkdirSync(temporary);
}, 600_000);
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(scratch.remove);

interface Serving extends ServerProcess {
  readonly ask: (path: string, init?: RequestInit) => Promise<any>;
  readonly post: (path: string, body: object) => Promise<any>;
}

async function serve(...args: string[]): Promise<Serving> {
  const environment = { ...process.env, TMPDIR: temporary, SENSORIUM_CACHE: join(scratch.path, 'cache') };
  const onStart = (child: ChildProcess): unknown => children.push(child);
  const serving = await startServer(['--no-log', ...args], { folder: scratch.path, environment, onStart });
  const ask = async (path: string, init?: RequestInit): Promise<any> =>
    (await fetch(`${serving.url}${path}`, init)).json();
  const headers = { 'Content-Type': 'application/json' };
  const post = (path: string, body: object): Promise<any> =>
    ask(path, { method: 'POST', headers, body: JSON.stringify(body) });
  return { ...serving, ask, post };
}

async function lesson(name: string, seconds: number): Promise<object> {
  const examples = await Promise.all(
    ['#d22', '#2a4', '#25c', '#fb0'].map(async (colour, i) => ({
      image: await disc(colour),
      text: ['zib', 'fot', 'mup', 'lan'][i],
    })),
  );
  return { model: 'starter', name, seconds, examples };
}

/** Events of a tuning as they come. */
async function* events(url: string, id: string): AsyncGenerator<Record<string, any>> {
  const response = await fetch(`${url}/v1/tunings/${id}/events`);
  let text = '';
  for await (const chunk of response.body!) {
    text += Buffer.from(chunk).toString();
    for (let at; (at = text.indexOf('\n\n')) >= 0; text = text.slice(at + 2)) {
      const data = /^data: (.*)$/m.exec(text.slice(0, at))?.[1];
      if (data !== undefined) yield JSON.parse(data);
    }
  }
}

/** Goes on until something happens to the tuning. */
async function until(url: string, id: string, type: string): Promise<Record<string, any>> {
  for await (const event of events(url, id)) if (event['type'] === type) return event;
  throw new Error(`there was no ${type}`);
}

/** Processes that teach for a server. */
function teachers({ pid }: ChildProcess): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => {
    const [, own, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return Number(parent) === pid && command!.includes('lesson-worker') ? [Number(own)] : [];
  });
}

const answerOf = async ({ post }: Serving, model: string): Promise<string> =>
  (
    await post('/v1/chat/completions', {
      model,
      messages: about(await disc(), 'What is this?'),
      max_tokens: 16,
      temperature: 0,
    })
  ).choices[0].message.content;

it('learns while it answers, then answers with what it learned, beside the model as it was', async () => {
  const folder = join(scratch.path, 'adapters');
  const serving = await serve('--adapters', folder);
  const before = await answerOf(serving, 'starter');
  const { id, status } = await serving.post('/v1/tunings', await lesson('toys', 12));
  expect(['queued', 'running']).toContain(status);
  const told: Record<string, any>[] = [];
  let meanwhile = 0;
  for await (const event of events(serving.url, id)) {
    told.push(event);
    if (event['type'] === 'progress' && meanwhile++ < 2) expect(await answerOf(serving, 'starter')).toBe(before);
  }
  expect(meanwhile).toBeGreaterThan(2);
  const last = told.at(-1)!;
  expect(last).toMatchObject({ type: 'done', model: 'starter:toys', asked: 4 });
  const curve = told.filter(({ type }) => type === 'progress');
  expect(curve.at(-1)!['loss']).toBeLessThan(curve[0]!['loss']);
  expect(curve.every(({ accuracy }) => accuracy >= 0 && accuracy <= 1)).toBe(true);
  // One prompt, two models: what a page compares side by side.
  expect(await answerOf(serving, 'starter')).toBe(before);
  expect((await answerOf(serving, 'starter:toys')).trim()).not.toBe(before.trim());
  expect((await serving.ask('/v1/models')).data.map((model: { id: string }) => model.id)).toEqual([
    'starter',
    'starter:toys',
  ]);
  expect(readdirSync(folder)).toEqual(['starter']);
  const adapter = join(folder, 'starter', 'toys');
  expect(readdirSync(adapter).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
  expect(JSON.parse(readFileSync(join(adapter, 'adapter_config.json'), 'utf8'))).toMatchObject({ peft_type: 'LORA' });
  // The name is taken, and stays so for the next server.
  expect((await serving.post('/v1/tunings', await lesson('toys', 5))).error.code).toBe('name_taken');
  serving.child.kill('SIGTERM');
  await once(serving.child, 'exit');
  const next = await serve('--adapter', `toys=${adapter}`);
  expect((await answerOf(next, 'starter:toys')).trim()).not.toBe(before.trim());
});

it('leaves nothing of a tuning that is cancelled, killed, or ended with the server', async () => {
  const folder = join(scratch.path, 'none');
  const serving = await serve('--adapters', folder);
  const { url, child, ask, post } = serving;

  const cancelled = (await post('/v1/tunings', await lesson('a', 300))).id;
  await until(url, cancelled, 'progress');
  expect(await ask(`/v1/tunings/${cancelled}`, { method: 'DELETE' })).toMatchObject({ status: 'cancelled' });
  expect(readdirSync(folder)).toEqual([]);
  expect(teachers(child)).toEqual([]);

  const killed = (await post('/v1/tunings', await lesson('b', 300))).id;
  await until(url, killed, 'progress');
  const [teacher] = teachers(child);
  process.kill(teacher!, 'SIGKILL');
  expect((await until(url, killed, 'failed'))['error'].message).toMatch(/was ended \(SIGKILL\)/);
  expect(readdirSync(folder)).toEqual([]);
  expect(await answerOf(serving, 'starter')).toMatch(/\w/);

  const ended = (await post('/v1/tunings', await lesson('c', 300))).id;
  await until(url, ended, 'progress');
  const stream = events(url, ended);
  // Listens before the server takes no more connections.
  await stream.next();
  child.kill('SIGTERM');
  const types: string[] = [];
  for await (const event of stream) {
    types.push(event['type'] as string);
    if (event['type'] === 'cancelled') expect(event).toMatchObject({ error: { code: 'server_stopping' } });
  }
  expect(types).toContain('cancelled');
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(0);
  expect(readdirSync(folder)).toEqual([]);
});

it('ends what learns when the server is killed, and cleans up', async () => {
  const { url, child, post } = await serve();
  const { id } = await post('/v1/tunings', await lesson('a', 300));
  await until(url, id, 'progress');
  const [teacher] = teachers(child);
  const own = readdirSync(temporary).find((name) => name.startsWith(`sensorium-adapters-${child.pid}-`))!;
  expect(readdirSync(join(temporary, own))).toHaveLength(1);
  child.kill('SIGKILL');
  await vi.waitFor(() => expect(() => process.kill(teacher!, 0)).toThrow('ESRCH'), 60_000);
  expect(readdirSync(join(temporary, own))).toEqual([]);
  // The next server removes the folder itself.
  await serve();
  expect(readdirSync(temporary)).not.toContain(own);
});

const small = join(scratch.path, 'small');
mkdirSync(small);
const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=200k', 'tmpfs', small]).status === 0;
afterAll(() => void spawnSync('umount', [small]));

it.runIf(isMounted)('tells that the disk is full, and leaves nothing on it', async () => {
  const { url, post } = await serve('--adapters', small);
  const { id } = await post('/v1/tunings', await lesson('a', 3));
  const { error } = await until(url, id, 'failed');
  expect(error.message).not.toContain(small);
  expect(readdirSync(small)).toEqual([]);
  const noise = { image: await noisy(), text: 'noise' };
  const refused = await post('/v1/tunings', { model: 'starter', name: 'b', examples: [noise, noise] });
  expect(refused.error).toMatchObject({ code: 'insufficient_storage' });
  expect(readdirSync(small)).toEqual([]);
});

/** A picture that no PNG makes small. */
async function noisy(): Promise<string> {
  const { default: sharp } = await import('sharp');
  const random = new Random(1);
  const data = Uint8Array.from({ length: 300 * 300 * 3 }, () => Math.floor(256 * random.uniform()));
  const png = await sharp(data, { raw: { width: 300, height: 300, channels: 3 } })
    .png()
    .toBuffer();
  return `data:image/png;base64,${png.toString('base64')}`;
}
