/** `sensorium serve`. */
import process from 'node:process';
import type { Command } from 'commander';
import { RecipeError } from '../../core/index.ts';
import type { GuardOptions, ModelPool, ModelState } from '../../serve/index.ts';
import type { PictureLimits } from '../../serve/node/index.ts';
import { collect, number, whole } from '../arguments.ts';
import { openInBrowser } from '../open-in-browser.ts';
import { addLoadOptions, type LoadFlags, loadOptions } from '../model/options.ts';
import { packageVersion } from '../package.ts';
import { printable } from '../report-error.ts';

/** What `sensorium serve` is told. */
export interface ServeOptions extends LoadFlags {
  readonly model?: readonly string[];
  readonly adapter?: readonly string[];
  readonly host: string;
  readonly port: number;
  readonly drainSeconds: number;
  readonly adapters?: string;
  readonly keys?: string;
  readonly open?: boolean;
  readonly allowHost?: readonly string[];
  readonly allowOrigin?: readonly string[];
  readonly allowRemoteImages?: boolean | string;
  readonly rows: number;
  readonly prefixMemory: number;
  readonly queue: number;
  readonly timeout: number;
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly log: boolean;
  /** Whether the page is opened in a browser. */
  readonly browser?: boolean;
}

/** What is not told. */
export const SERVE_DEFAULTS: ServeOptions = {
  host: '127.0.0.1',
  port: 8080,
  drainSeconds: 30,
  rows: 16,
  prefixMemory: 256,
  queue: 128,
  timeout: 600,
  log: true,
};

const EXAMPLES = `
Examples:
  sensorium serve                                            the starter, for this machine alone
  sensorium serve --model starter --adapter cups=runs/cups/adapter
  sensorium serve --model small=./SmolVLM-256M-Instruct --model starter --dtype int8 --port 8000

  curl http://127.0.0.1:8080/v1/chat/completions -H 'Content-Type: application/json' \\
    -d '{"model": "starter", "messages": [{"role": "user", "content": "Hello"}]}'

Requests name a model by its name, and an adapter as MODEL:ADAPTER. Ctrl-C lets accepted requests be answered, twice ends.
`;

export function registerServe(program: Command): void {
  const command = program
    .command('serve')
    .description('answer over HTTP, as OpenAI’s interface has it')
    .option(
      '-m, --model <[name=]source>',
      'folder, owner/name of the Hub, or the starter, and what requests call it; may be repeated',
      collect,
    )
    .option('--adapter <[model:]name=folder>', 'an adapter of the first model, or of the one named; repeated', collect)
    .option(
      '--host <address>',
      'address to listen on; others than this machine reach it only if told',
      SERVE_DEFAULTS.host,
    )
    .option('--port <n>', '0 for any that is free', whole(0, 65_535), SERVE_DEFAULTS.port)
    .option('--adapters <folder>', 'where adapters stay that are tuned while it serves; else they go with the server')
    .option(
      '--drain-seconds <n>',
      'how long accepted requests may take when it is told to end',
      number,
      SERVE_DEFAULTS.drainSeconds,
    );
  addLoadOptions(command)
    .option('--keys <file>', 'a name and a key, or sha256: of one, on each line; requests must show one of them')
    .option('--open', 'let others than this machine ask without keys')
    .option('--allow-host <name>', 'a name that the server is called by; may be repeated', collect)
    .option('--allow-origin <origin>', 'pages of another site that may ask it; may be repeated', collect)
    .option('--allow-remote-images [hosts]', 'fetch pictures from public addresses of the web; of these hosts alone')
    .option('--rows <n>', 'most answers that a model writes at once', whole(1, 1024), SERVE_DEFAULTS.rows)
    .option(
      '--prefix-memory <MiB>',
      'what each model keeps of the texts that it has read, so that a second turn is not read from its beginning; 0 for none',
      whole(0),
      SERVE_DEFAULTS.prefixMemory,
    )
    .option(
      '--queue <n>',
      'most requests at a time, those that wait included; others are told to come again',
      whole(1),
      SERVE_DEFAULTS.queue,
    )
    .option('--timeout <s>', 'most seconds for an answer', whole(1), SERVE_DEFAULTS.timeout)
    .option('--requests-per-minute <n>', 'for each key that has no limit of its own', whole(1))
    .option('--tokens-per-minute <n>', 'generated, for each key that has no limit of its own', whole(1))
    .option('--browser', 'open the page in a browser')
    .option('--no-log', 'no line of JSON on standard error for each request')
    .addHelpText('after', EXAMPLES)
    .action(serve);
}

/** Answers until it is told to end. */
export async function serve(options: ServeOptions): Promise<void> {
  const { applicationRoutes, createServer, describeFailure, TuningDesk, tuningRoutes } =
    await import('../../serve/index.ts');
  const { adapterToServe, listen, modelToServe, openPool, openTutor, pictureReader, readPageFiles } =
    await import('../../serve/node/index.ts');
  const { samplePicture } = await import('../../applications/node/index.ts');
  // Figures are read later than guards are made.
  const watched: { pool?: ModelPool } = {};
  const guards = await guardOptions(options, () => watched.pool?.states() ?? []);
  const remote = remoteImages(options.allowRemoteImages);
  const models = (options.model ?? ['starter']).map(modelToServe);
  const adapters = (options.adapter ?? []).map((text) => adapterToServe(text, models));
  const batch = { rows: options.rows, prefixBytes: options.prefixMemory * 2 ** 20 };
  const pool = await openPool(models, adapters, { load: loadOptions(options), batch });
  watched.pool = pool;
  const tutor = await openTutor({ folder: options.adapters, threads: options.threads });
  const desk = new TuningDesk({ pool, tutor, onProblem: reportTuning(describeFailure) });
  try {
    const server = createServer({
      pool,
      openPicture: pictureReader(remote),
      guards,
      page: await readPageFiles(),
      version: packageVersion(),
      routes: [...tuningRoutes(desk), ...applicationRoutes(samplePicture)],
    });
    const listening = await listen(server, { host: options.host, port: options.port });
    const names = pool.list().map(({ id }) => id);
    process.stdout.write(
      [
        '',
        `  Sensorium answers at ${listening.url}`,
        '',
        `    page        ${listening.url}/`,
        `    models      ${printable(names.join(', '))}`,
        `    interface   ${listening.url}/v1 (OpenAI’s), described by ${listening.url}/openapi.json`,
        `    ends with   Ctrl-C`,
        '',
        '',
      ].join('\n'),
    );
    if (options.browser === true) openInBrowser(`${listening.url}/`);
    const now = await told();
    process.stderr.write(
      `Ending; ${listening.active} requests are still answered (Ctrl-C again ends them, at most ${options.drainSeconds} s)\n`,
    );
    // What learns need not be waited for: its watchers are told.
    await Promise.all([desk.close(), listening.drain(options.drainSeconds, now)]);
  } finally {
    await desk.close();
    await tutor.dispose();
    await pool.dispose();
  }
}

/** Keys, limits, logs and figures, as the options have them. @throws RecipeError when everybody could reach the server by mistake */
async function guardOptions(options: ServeOptions, models: () => readonly ModelState[]): Promise<GuardOptions> {
  const { isLoopback, observers, requestLog } = await import('../../serve/index.ts');
  const { createMetrics, readKeys } = await import('../../serve/node/index.ts');
  const { host, keys: path, queue, timeout, allowHost, allowOrigin, requestsPerMinute, tokensPerMinute } = options;
  if (!isLoopback(host) && path === undefined && options.open !== true)
    throw new RecipeError(
      `${host} can be reached by others, and there are no keys`,
      'give --keys, or --open where everybody may ask',
    );
  const { keys, warning } = path === undefined ? {} : await readKeys(path);
  if (warning !== undefined) process.stderr.write(`${printable(warning)}\n`);
  const metrics = createMetrics({ models });
  const log = options.log ? [requestLog((line) => process.stderr.write(`${line}\n`))] : [];
  return {
    ...(keys === undefined ? {} : { keys }),
    quotas: {
      ...(requestsPerMinute === undefined ? {} : { requests: requestsPerMinute }),
      ...(tokensPerMinute === undefined ? {} : { tokens: tokensPerMinute }),
    },
    queue,
    seconds: timeout,
    listensOn: host,
    ...(allowHost === undefined ? {} : { hosts: allowHost }),
    ...(allowOrigin === undefined ? {} : { origins: allowOrigin }),
    observer: observers(metrics, ...log),
    readMetrics: async () => metrics.read(),
  };
}

/** Why a tuning failed, for whoever runs the server; without what it was to learn. */
function reportTuning(failure: (cause: unknown) => Record<string, unknown>): (tuning: string, cause: unknown) => void {
  return (id, cause) => {
    const line = { level: 'error', event: 'tuning', time: new Date().toISOString(), id, ...failure(cause) };
    process.stderr.write(`${JSON.stringify(line)}\n`);
  };
}

/** @param allowed nothing, all public hosts, or some with commas between */
function remoteImages(allowed: boolean | string | undefined): PictureLimits {
  if (allowed === undefined || allowed === false) return {};
  if (allowed === true) return { remote: {} };
  return { remote: { hosts: allowed.split(',').map((host) => host.trim().toLowerCase()) } };
}

/** Waits until the process is told to end. @returns a signal for when it is told a second time; a third ends it at once */
async function told(): Promise<AbortSignal> {
  const again = new AbortController();
  let times = 0;
  await new Promise<void>((resolve) => {
    const hear = (): void => {
      times++;
      if (times === 1) resolve();
      else if (times === 2) again.abort();
      else process.exit(1);
    };
    process.on('SIGTERM', hear);
    process.on('SIGINT', hear);
  });
  return again.signal;
}
