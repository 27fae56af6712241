import { Readable } from 'node:stream';
import sharp from 'sharp';
import { ServerProcess } from './server-process.ts';
import { type BenchOptions, type Figure, median } from './types.ts';

export const description =
  'The server under load: failures, memory over time, times of tokens, at 64 clients for 10 minutes';

const CLIENTS = 64;
const MINUTES = 10;
/** Of the whole time, before memory counts: caches fill and code is compiled. */
const WARM_UP = 0.2;
/** What the server keeps of texts, in MiB: so little that it is full before memory counts, as what keeps growing then is a leak. */
const PREFIX_MEMORY = 16;
/** Memory is looked at once in so many milliseconds. */
const LOOK = 1000;
const COLOURS = ['#d22', '#2a2', '#22d', '#dd2', '#2dd', '#d2d'] as const;
const QUESTIONS = [
  'What colour is it?',
  'What is in the picture?',
  'Where is the disc?',
  'Describe the picture.',
] as const;
const TEXTS = ['Hello, who are you?', 'Name three fruits.', 'What can you see?', 'Tell me about a dog.'] as const;

/** What one client saw of one request. */
interface Seen {
  readonly status: number;
  /** When the first token came, from the request's start, in ms. */
  readonly first: number | undefined;
  /** Between tokens, in ms. */
  readonly gaps: readonly number[];
  readonly tokens: number;
  readonly failure: string | undefined;
}

/** 64 clients, each of which asks again as soon as it is answered: mostly about pictures, partly without streaming. */
export async function* run(options: BenchOptions): AsyncGenerator<Figure> {
  const { minutes = MINUTES, clients = CLIENTS, threads, model } = options;
  const server = await ServerProcess.start([
    ...(model === undefined ? [] : ['--model', `starter=${model}`]),
    '--threads',
    String(threads),
    '--queue',
    String(2 * clients),
    '--prefix-memory',
    String(PREFIX_MEMORY),
  ]);
  try {
    const end = performance.now() + minutes * 60_000;
    const pictures = await Promise.all(COLOURS.map(disc));
    const memory: { readonly seconds: number; readonly bytes: number }[] = [];
    const begun = performance.now();
    const looking = setInterval(() => {
      void server.residentBytes().then((bytes) => memory.push({ seconds: (performance.now() - begun) / 1000, bytes }));
    }, LOOK);
    const seen: Seen[] = [];
    await Promise.all(
      Array.from({ length: clients }, async (_, client) => {
        for (let turn = 0; performance.now() < end; turn++) seen.push(await ask(server.url, pictures, client, turn));
      }),
    );
    clearInterval(looking);
    const seconds = (performance.now() - begun) / 1000;
    yield* figures(seen, seconds);
    yield* growth(memory, seconds);
    const left = await server.underWay();
    yield { name: 'requests under way afterwards', value: left, unit: 'requests', note: met(left === 0, '0') };
  } finally {
    await server.stop();
  }
}

function* figures(seen: readonly Seen[], seconds: number): Generator<Figure> {
  const failed = seen.filter(({ failure }) => failure !== undefined);
  const first = failed[0]?.failure;
  yield {
    name: 'requests',
    value: seen.length,
    unit: 'requests',
    note: `${(seen.length / seconds).toFixed(1)} a second`,
  };
  yield {
    name: 'failed requests',
    value: failed.length,
    unit: 'requests',
    note: `${met(failed.length === 0, '0')}${first === undefined ? '' : `; the first: ${first}`}`,
  };
  const tokens = seen.reduce((sum, each) => sum + each.tokens, 0);
  yield { name: 'tokens', value: tokens / seconds, unit: 'tokens/s' };
  const firsts = seen.flatMap((each) => (each.first === undefined ? [] : [each.first])).sort((a, b) => a - b);
  yield { name: 'first token, median', value: quantile(firsts, 0.5), unit: 'ms' };
  yield { name: 'first token, p99', value: quantile(firsts, 0.99), unit: 'ms' };
  const gaps = seen.flatMap((each) => each.gaps).sort((a, b) => a - b);
  const [middle, late] = [quantile(gaps, 0.5), quantile(gaps, 0.99)];
  yield { name: 'between tokens, median', value: middle, unit: 'ms' };
  yield {
    name: 'between tokens, p99',
    value: late,
    unit: 'ms',
    note: `${(late / middle).toFixed(2)} × the median: ${met(late <= 3 * middle, '3 ×')}`,
  };
}

/** How memory goes after the warm-up: the median slope between all pairs of looks (Theil and Sen), which spikes do not move. */
function* growth(
  memory: readonly { readonly seconds: number; readonly bytes: number }[],
  seconds: number,
): Generator<Figure> {
  const counted = memory.filter((look) => look.seconds >= WARM_UP * seconds);
  const thinned = counted.filter((_, i) => i % Math.ceil(counted.length / 300) === 0);
  const slopes = thinned.flatMap((a, i) =>
    thinned.slice(i + 1).map((b) => (b.bytes - a.bytes) / (b.seconds - a.seconds)),
  );
  const mebibytes = (bytes: number): number => bytes / 2 ** 20;
  const level = median(counted.map(({ bytes }) => bytes));
  yield { name: 'memory after warm-up', value: mebibytes(level), unit: 'MiB' };
  yield { name: 'memory, largest', value: mebibytes(Math.max(...memory.map(({ bytes }) => bytes))), unit: 'MiB' };
  const slope = median(slopes);
  const grown = slope * (1 - WARM_UP) * seconds;
  yield {
    name: 'memory, growth after warm-up',
    value: mebibytes(slope) * 60,
    unit: 'MiB/min',
    note: `${mebibytes(grown).toFixed(1)} MiB in all: ${met(grown <= 0.02 * level, 'at most 2 % of the level')}`,
  };
}

function met(holds: boolean, bar: string): string {
  return `${holds ? 'meets' : 'MISSES'} the bar (${bar})`;
}

/** @param sorted ascending */
function quantile(sorted: readonly number[], share: number): number {
  return sorted.length === 0 ? Number.NaN : sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

/** One request: three of four about a picture, a third that writes as long as it may, one of eight whole and not streamed. */
async function ask(url: string, pictures: readonly string[], client: number, turn: number): Promise<Seen> {
  const n = client * 7 + turn;
  const text = QUESTIONS[n % QUESTIONS.length]!;
  const picture = { type: 'image_url', image_url: { url: pictures[n % pictures.length]! } };
  const content = n % 4 === 3 ? TEXTS[n % TEXTS.length]! : [picture, { type: 'text', text }];
  const stream = n % 8 !== 5;
  // The starter's own answers are short; JSON without a form goes on and on.
  const length =
    n % 3 === 0
      ? { max_tokens: 64, temperature: 1, seed: n, response_format: { type: 'json_object' } }
      : { max_tokens: 32, temperature: 0 };
  const body = { model: 'starter', messages: [{ role: 'user', content }], stream, ...length };
  const times: number[] = [];
  const start = performance.now();
  let status = 0;
  try {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    status = response.status;
    if (!response.ok) throw new Error(`${status}: ${(await response.text()).slice(0, 200)}`);
    if (!stream) {
      const { usage } = (await response.json()) as { usage: { completion_tokens: number } };
      return { status, first: undefined, gaps: [], tokens: usage.completion_tokens, failure: undefined };
    }
    let all = '';
    for await (const part of Readable.fromWeb(response.body as never)) {
      const piece = (part as Buffer).toString();
      all += piece;
      // Tokens that came together in one piece came at one time.
      for (const _ of piece.matchAll(/"content":"(?!")/g)) times.push(performance.now());
    }
    if (!all.endsWith('data: [DONE]\n\n')) throw new Error(`a stream ended early: ${all.slice(-200)}`);
    const gaps = times.slice(1).map((time, i) => time - times[i]!);
    const first = times[0] === undefined ? undefined : times[0] - start;
    return { status, first, gaps, tokens: times.length, failure: undefined };
  } catch (error) {
    return { status, first: undefined, gaps: [], tokens: 0, failure: (error as Error).message };
  }
}

async function disc(colour: string): Promise<string> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="112" height="112"><circle cx="56" cy="56" r="40" fill="${colour}"/></svg>`;
  const png = await sharp(Buffer.from(svg)).flatten({ background: '#fff' }).png().toBuffer();
  return `data:image/png;base64,${png.toString('base64')}`;
}
