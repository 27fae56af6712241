/** What the server does when things go wrong around it: each request is answered or told, and nothing is left behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { load } from '../../../src/auto/node/index.ts';
import { CheckpointError } from '../../../src/core/index.ts';
import { openPool } from '../../../src/serve/node/index.ts';
import { ensureBuilt, MAIN, ROOT, temporaryFolder } from '../cli.ts';
import { chat, until } from './guarded-server.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import { disc, LONG } from './starter-server.ts';

const scratch = temporaryFolder();
const children: ChildProcess[] = [];
beforeAll(ensureBuilt, 600_000);
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(scratch.remove);

/** @param before what a shell does first */
const serve = (args: readonly string[] = [], before?: string): Promise<ServerProcess> =>
  startServer(args, {
    folder: scratch.path,
    onStart: (child) => children.push(child),
    ...(before === undefined ? {} : { before }),
  });

const post = (url: string, body: unknown, signal?: AbortSignal): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });

/** A figure of `/metrics`; 0 where there is none. */
async function figure(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)`, 'm').exec(text)?.[1] ?? 0);
}

/** Waits until no request is under way but the one that asks. */
async function idle(url: string): Promise<void> {
  for (let tries = 0; (await figure(url, 'sensorium_requests_under_way')) !== 1; tries++) {
    if (tries > 600) throw new Error('requests are still under way');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A streamed request over a bare connection, whose first bytes have come. */
async function streaming(port: number, body: unknown): Promise<Socket> {
  const text = JSON.stringify(body);
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
  await once(socket, 'readable');
  return socket;
}

describe('a server that ends', () => {
  it('by kill -9 while it streams: the client sees the end and does not wait', async () => {
    const { url, child } = await serve();
    const answer = await post(`${url}/v1/chat/completions`, chat('Go on', undefined, { ...LONG, stream: true }));
    const reader = answer.body!.getReader();
    await reader.read();
    const waiting = post(`${url}/v1/chat/completions`, chat('Go on', undefined, LONG));
    waiting.catch(() => {});
    child.kill('SIGKILL');
    const rest = (async () => {
      for (;;) if ((await reader.read()).done) return 'ended';
    })();
    await expect(rest).rejects.toThrow();
    await expect(waiting).rejects.toThrow();
  });

  it('by SIGTERM under load: every accepted request is answered, or told', async () => {
    const { url, child } = await serve(['--drain-seconds', '3', '--no-log']);
    const picture = await disc();
    const ends: string[] = [];
    const asked = Array.from({ length: 24 }, async (_, i) => {
      const long = i % 3 === 0;
      const stream = i % 2 === 0;
      const body = chat('What is it?', i % 4 === 0 ? picture : undefined, { ...(long ? LONG : {}), stream });
      const response = await post(`${url}/v1/chat/completions`, body);
      const text = await response.text();
      if (stream && response.ok)
        ends.push(
          text.endsWith('[DONE]\n\n') ? 'answered' : /"error":/.test(text) ? 'told' : `cut off: ${text.slice(-200)}`,
        );
      else if (response.ok)
        ends.push((JSON.parse(text) as { object: string }).object === 'chat.completion' ? 'answered' : text);
      else
        ends.push((JSON.parse(text) as { error: { code: string } }).error.code === 'server_stopping' ? 'told' : text);
    });
    for (let tries = 0; (await figure(url, 'sensorium_requests_under_way')) < 20 && tries < 100; tries++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill('SIGTERM');
    await Promise.all(asked);
    expect(ends).toHaveLength(24);
    expect(ends.filter((end) => end !== 'answered' && end !== 'told')).toEqual([]);
    expect(ends).toContain('answered');
    await until(() => child.exitCode !== null, 30_000);
    expect(child.exitCode).toBe(0);
    await expect(post(`${url}/v1/chat/completions`, chat('Hi'))).rejects.toThrow();
  });
});

describe('clients', () => {
  it('that vanish: their places are free again, and nothing stays', async () => {
    const { url, port, said } = await serve(['--queue', '12']);
    for (let round = 0; round < 3; round++) {
      const sockets = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          i % 2 === 0
            ? streaming(port, chat('Go on', undefined, { ...LONG, stream: true }))
            : (async () => {
                // Gone before the first byte of the answer, some in the midst of their own request.
                const socket = connect(port, '127.0.0.1');
                socket.on('error', () => {});
                const text = JSON.stringify(chat('Go on', undefined, LONG));
                const length = Buffer.byteLength(text) + (i % 4 === 1 ? 0 : 50);
                socket.write(
                  `POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${text}`,
                );
                await once(socket, 'connect');
                return socket;
              })(),
        ),
      );
      for (const [i, socket] of sockets.entries()) {
        if (i % 3 === 0) socket.resetAndDestroy();
        else socket.destroy();
      }
      await idle(url);
    }
    const short = await post(`${url}/v1/chat/completions`, chat('Hi'));
    expect(short.status).toBe(200);
    // That somebody left is no failure of the server.
    expect(said()).not.toMatch(/"event":"failure"/);
    expect(await figure(url, 'sensorium_failures_total')).toBe(0);
  });

  it('that read slowly hold up nobody else, and what they do not take is not made', async () => {
    const { url, port } = await serve();
    const fat = { ...LONG, stream: true, logprobs: true, top_logprobs: 20 };
    const slow = await Promise.all(Array.from({ length: 3 }, () => streaming(port, chat('Go on', undefined, fat))));
    for (const socket of slow) socket.pause();
    for (let i = 0; i < 5; i++) {
      const answer = await post(`${url}/v1/chat/completions`, chat('What is it?', await disc()));
      expect(answer.status).toBe(200);
    }
    for (const socket of slow) socket.destroy();
    await idle(url);
  });
});

describe('files', () => {
  it('a full disk: a tuning that cannot be written is told so, and leaves nothing half-written', async () => {
    const adapters = join(scratch.path, 'adapters');
    mkdirSync(adapters);
    // No file may grow beyond 8 kB, which is what a full disk does to those who write.
    const { url, said } = await serve(['--adapters', adapters], 'ulimit -f 16;');
    const noise = await sharp({
      create: {
        width: 200,
        height: 200,
        channels: 3,
        background: '#888',
        noise: { type: 'gaussian', mean: 128, sigma: 60 },
      },
    })
      .png()
      .toBuffer();
    const image = `data:image/png;base64,${noise.toString('base64')}`;
    const examples = Array.from({ length: 4 }, (_, i) => ({ image, text: `thing ${i}` }));
    const taken = await post(`${url}/v1/tunings`, { model: 'starter', name: 'full', examples, seconds: 2 });
    const answer = (await taken.json()) as { id?: string; error?: { message: string; code: string } };
    if (taken.status === 202) {
      let status = 'queued';
      await untilAsync(async () => {
        ({ status } = (await (await fetch(`${url}/v1/tunings/${answer.id}`)).json()) as { status: string });
        return status !== 'queued' && status !== 'running';
      });
      expect(status).toBe('failed');
    } else {
      expect(taken.status).toBeGreaterThanOrEqual(500);
      expect(answer.error!.code).toMatch(/\w/);
      // The reason is in the log.
      expect(said()).toMatch(/EFBIG|ENOSPC/);
    }
    expect(readdirSync(adapters, { recursive: true })).toEqual([]);
    // Who asked learns nothing of this machine.
    expect(JSON.stringify(answer)).not.toContain(scratch.path);
    expect((await post(`${url}/v1/chat/completions`, chat('Hi'))).status).toBe(200);
    const models = (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string }[] };
    expect(models.data.map(({ id }) => id)).toEqual(['starter']);
  });

  it('a model folder that is damaged: said before the server listens, whatever is damaged', async () => {
    const damage: Record<string, (folder: string) => void> = {
      'weights cut off': (folder) => truncateSync(join(folder, 'model.safetensors'), 100_000),
      'weights empty': (folder) => truncateSync(join(folder, 'model.safetensors'), 0),
      'header of nonsense': (folder) => {
        const bytes = readFileSync(join(folder, 'model.safetensors'));
        bytes.fill(0xff, 0, 64);
        writeFileSync(join(folder, 'model.safetensors'), bytes);
      },
      'config cut off': (folder) => truncateSync(join(folder, 'config.json'), 50),
      'tokenizer of another kind': (folder) => writeFileSync(join(folder, 'tokenizer.json'), '{"model": 3}'),
    };
    for (const [name, harm] of Object.entries(damage)) {
      const folder = join(scratch.path, name.replaceAll(' ', '-'));
      cpSync(join(ROOT, 'starter'), folder, { recursive: true });
      harm(folder);
      const failure = openPool(
        [
          { name: 'starter', source: 'starter' },
          { name: 'bad', source: folder },
        ],
        [],
      );
      await expect(failure, name).rejects.toBeInstanceOf(CheckpointError);
    }
    const child = spawn(process.execPath, [
      MAIN,
      'serve',
      '--port',
      '0',
      '--model',
      join(scratch.path, 'weights-cut-off'),
    ]);
    children.push(child);
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    expect(code).toBe(1);
    expect(said).toMatch(/CheckpointError: .*\n? *→/s);
    expect(said).not.toMatch(/\n {4}at /);
  });

  it('a model or an adapter that is damaged, added while the server runs: refused, and nothing else changes', async () => {
    const pool = await openPool([{ name: 'starter', source: 'starter' }], []);
    try {
      const folder = join(scratch.path, 'damaged');
      cpSync(join(ROOT, 'starter'), folder, { recursive: true });
      truncateSync(join(folder, 'model.safetensors'), 200_000);
      await expect(load(folder).then((model) => pool.add('bad', model))).rejects.toBeInstanceOf(CheckpointError);
      const adapter = join(scratch.path, 'adapter');
      mkdirSync(adapter);
      writeFileSync(join(adapter, 'adapter_config.json'), '{"peft_type": "LORA", "r": 4}');
      writeFileSync(join(adapter, 'adapter_model.safetensors'), 'nonsense');
      const { loadAdapter } = await import('../../../src/auto/node/index.ts');
      const { served, release } = pool.borrow('starter');
      if (served.model.kind !== 'language') throw new Error('the starter converses');
      await expect(loadAdapter(served.model, adapter)).rejects.toBeInstanceOf(CheckpointError);
      const prompt = await served.prompt([{ role: 'user', content: 'Hello' }]);
      let tokens = 0;
      for await (const _ of served.answer(prompt, { maxNewTokens: 4, temperature: 0 })) tokens++;
      expect(tokens).toBeGreaterThan(0);
      release();
      expect(pool.list().map(({ id }) => id)).toEqual(['starter']);
    } finally {
      await pool.dispose();
    }
  });
});

async function untilAsync(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1200; tries++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('it does not come to hold');
}
