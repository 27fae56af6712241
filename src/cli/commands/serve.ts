/** `sensorium serve`. */
import process from 'node:process';
import { type Command, Option } from 'commander';
import type { LoadOptions } from '../../auto/node/index.ts';
import type { ServerProblem } from '../../serve/index.ts';
import { collect, number, whole } from '../arguments.ts';
import { DEVICES, DTYPES } from '../model/options.ts';
import { printable } from '../report-error.ts';

interface ServeOptions {
  readonly model?: readonly string[];
  readonly adapter?: readonly string[];
  readonly host: string;
  readonly port: number;
  readonly drainSeconds: number;
  readonly adapters?: string;
  readonly dtype?: NonNullable<LoadOptions['dtype']>;
  readonly device?: NonNullable<LoadOptions['device']>;
  readonly threads?: number;
  readonly revision?: string;
  readonly offline?: boolean;
}

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
  program
    .command('serve')
    .description('answer over HTTP, as OpenAI’s interface has it')
    .option(
      '-m, --model <[name=]source>',
      'folder, owner/name of the Hub, or the starter, and what requests call it; may be repeated',
      collect,
    )
    .option('--adapter <[model:]name=folder>', 'an adapter of the first model, or of the one named; repeated', collect)
    .option('--host <address>', 'address to listen on; others than this machine reach it only if told', '127.0.0.1')
    .option('--port <n>', '0 for any that is free', whole(0, 65_535), 8080)
    .option('--adapters <folder>', 'where adapters stay that are tuned while it serves; else they go with the server')
    .option('--drain-seconds <n>', 'how long accepted requests may take when it is told to end', number, 30)
    .addOption(
      new Option('--dtype <type>', 'type of the weights; int8 and int4 are made once and kept').choices(DTYPES),
    )
    .addOption(new Option('--device <device>', 'where to run; cpu unless told').choices(DEVICES))
    .option('--threads <n>', 'processors to use; all unless told', number)
    .option('--revision <name>', 'branch, tag or commit of the Hub')
    .option('--offline', 'use what is in the cache, fetch nothing')
    .addHelpText('after', EXAMPLES)
    .action(serveAction);
}

async function serveAction(options: ServeOptions): Promise<void> {
  const { applicationRoutes, createServer, TuningDesk, tuningRoutes } = await import('../../serve/index.ts');
  const { adapterToServe, listen, modelToServe, openPool, openTutor, pictureReader } =
    await import('../../serve/node/index.ts');
  const { samplePicture } = await import('../../applications/node/index.ts');
  const models = (options.model ?? ['starter']).map(modelToServe);
  const adapters = (options.adapter ?? []).map((text) => adapterToServe(text, models));
  const { dtype, device, threads, revision, offline } = options;
  const pool = await openPool(models, adapters, {
    load: {
      ...(dtype === undefined ? {} : { dtype }),
      ...(device === undefined ? {} : { device }),
      ...(threads === undefined ? {} : { threads }),
      ...(revision === undefined ? {} : { revision }),
      ...(offline === undefined ? {} : { offline }),
    },
  });
  const tutor = await openTutor({ folder: options.adapters, threads });
  const desk = new TuningDesk({
    pool,
    tutor,
    onProblem: (id, cause) => reportProblem({ requestId: id, method: '', path: '/v1/tunings', status: 500, cause }),
  });
  try {
    const server = createServer({
      pool,
      openPicture: pictureReader(),
      onProblem: reportProblem,
      routes: [...tuningRoutes(desk), ...applicationRoutes(samplePicture)],
    });
    const listening = await listen(server, { host: options.host, port: options.port });
    const names = pool.list().map(({ id }) => id);
    process.stdout.write(
      [
        '',
        `  Sensorium answers at ${listening.url}`,
        '',
        `    models      ${printable(names.join(', '))}`,
        `    interface   ${listening.url}/v1 (OpenAI’s), described by ${listening.url}/openapi.json`,
        `    ends with   Ctrl-C`,
        '',
        '',
      ].join('\n'),
    );
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

/** What went wrong on our side, for whoever runs the server. */
function reportProblem({ requestId, method, path, status, cause }: ServerProblem): void {
  const what = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  process.stderr.write(`${requestId} ${method} ${printable(path)} ${status}: ${printable(what)}\n`);
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
