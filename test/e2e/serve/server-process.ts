/** `sensorium serve` as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import process from 'node:process';
import { MAIN } from '../cli.ts';

export interface ServerProcess {
  readonly url: string;
  readonly port: number;
  readonly child: ChildProcess;
  /** What it has written to standard error. */
  readonly said: () => string;
}

export interface ServerProcessOptions {
  /** Where it runs. */
  readonly folder: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** What a shell does first. */
  readonly before?: string;
  /** Told of the process as soon as there is one. */
  readonly onStart?: (child: ChildProcess) => void;
}

/** @param args of `sensorium serve` beside the port, which is any that is free  @returns when it listens */
export async function startServer(args: readonly string[], options: ServerProcessOptions): Promise<ServerProcess> {
  const { folder, environment = process.env, before, onStart } = options;
  const command = [process.execPath, MAIN, 'serve', '--port', '0', ...args];
  const [file, ...rest] =
    before === undefined ? command : ['sh', '-c', `${before} exec ${command.map((word) => `'${word}'`).join(' ')}`];
  const child = spawn(file!, rest, { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  onStart?.(child);
  let [out, said] = ['', ''];
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      const found = /http:\/\/127\.0\.0\.1:(\d+)/.exec(out)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
    child.once('close', (code) => reject(new Error(`it ended with ${code} before it listened: ${said}`)));
  });
  return { url: `http://127.0.0.1:${port}`, port, child, said: () => said };
}
