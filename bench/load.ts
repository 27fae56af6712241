import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { fileURLToPath } from 'node:url';
import { quantizeCheckpoint } from '../src/hub/node/index.ts';
import { makeCheckpoint } from './make-checkpoint.ts';
import { Peer } from './peer.ts';
import { type BenchOptions, type Figure, median } from './types.ts';

export const description =
  "Time and memory to load a model of SmolVLM-256M's size, its picture encoder included, in float32, int8 and int4";

const MODEL = 'smolvlm-256m';
const MIB = 2 ** 20;
const POLL_MS = 5;

/** Where checkpoints are kept between runs: making them takes a minute. */
function checkpointFolder(): string {
  return join(env['XDG_CACHE_HOME'] ?? join(env['HOME'] ?? homedir(), '.cache'), 'sensorium', 'bench');
}

const FORMS = {
  'float32 of float32': { source: 'float32', bits: undefined },
  'float32 of bfloat16': { source: 'bfloat16', bits: undefined },
  'int8 of bfloat16': { source: 'bfloat16', bits: 'int8' },
  'int4 of bfloat16': { source: 'bfloat16', bits: 'int4' },
} as const;

export async function* run({ rounds, threads }: BenchOptions): AsyncGenerator<Figure> {
  for (const [name, { source, bits }] of Object.entries(FORMS)) {
    const made = join(checkpointFolder(), `${MODEL}-${source}`);
    if (!existsSync(made)) await makeCheckpoint(MODEL, made, source);
    const folder = bits === undefined ? made : `${made}-${bits}`;
    if (!existsSync(folder)) {
      const start = performance.now();
      const { sourceBytes } = await quantizeCheckpoint(made, folder, { default: bits! });
      const seconds = (performance.now() - start) / 1000;
      yield { name: `${name}, to quantize`, value: sourceBytes / MIB / seconds, unit: 'MiB/s' };
    }
    const loads: Load[] = [];
    for (let i = 0; i < rounds; i++) loads.push(await loadOnce(folder, threads));
    const middle = (key: keyof Load): number => median(loads.map((load) => load[key]));
    yield { name: `${name}, to load`, value: middle('seconds'), unit: 's' };
    yield { name: `${name}, anonymous memory, peak`, value: middle('peak') / MIB, unit: 'MiB' };
    yield { name: `${name}, anonymous memory beside weights`, value: middle('peak') / middle('weights'), unit: '×' };
    yield { name: `${name}, of which before loading`, value: middle('before') / MIB, unit: 'MiB' };
    yield { name: `${name}, anonymous memory, after`, value: middle('after') / MIB, unit: 'MiB' };
    yield { name: `${name}, mapped files`, value: middle('mapped') / MIB, unit: 'MiB' };
    yield { name: `${name}, decoding`, value: middle('tokensPerSecond'), unit: 'tokens/s' };
  }
}

/** Bytes, except where the name says otherwise. */
interface Load {
  readonly seconds: number;
  readonly before: number;
  readonly peak: number;
  readonly after: number;
  readonly mapped: number;
  /** Of all weights, as they are computed with. */
  readonly weights: number;
  readonly tokensPerSecond: number;
}

/** Loads and answers in a process of its own, whose memory is looked at from outside all the while. */
async function loadOnce(folder: string, threads: number): Promise<Load> {
  const worker = fileURLToPath(new URL('./load-worker.js', import.meta.url));
  const peer = await Peer.start(process.execPath, [worker, folder, String(threads)], threads);
  try {
    const before = await memoryOf(peer.pid);
    let peak = 0;
    let watching = true;
    const watch = (async () => {
      while (watching) {
        peak = Math.max(peak, (await memoryOf(peer.pid)).anonymous);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    })();
    const { seconds, weights } = await peer.ask('load');
    const { tokensPerSecond } = await peer.ask('generate');
    watching = false;
    await watch;
    const after = await memoryOf(peer.pid);
    return {
      seconds: seconds as number,
      weights: weights as number,
      before: before.anonymous,
      peak,
      after: after.anonymous,
      mapped: after.mapped,
      tokensPerSecond: tokensPerSecond as number,
    };
  } finally {
    peer.stop();
  }
}

/** Linux only: what of a process lies in memory, in bytes. */
async function memoryOf(pid: number): Promise<{ anonymous: number; mapped: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
  return { anonymous: field('RssAnon'), mapped: field('RssFile') };
}
