import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));

/** `sensorium serve` as a process of its own, on a port of loopback that is free. */
export class ServerProcess {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /** @param args of `sensorium serve` beside the port */
  static async start(args: readonly string[]): Promise<ServerProcess> {
    const child = spawn(process.execPath, [MAIN, 'serve', '--port', '0', '--no-log', ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const url = await new Promise<string>((resolve, reject) => {
      let out = '';
      child.stdout.on('data', (part: Buffer) => {
        out += part.toString();
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(out)?.[0];
        if (found !== undefined) resolve(found);
      });
      child.on('close', (code) => reject(new Error(`the server ended with ${code} before it listened`)));
    });
    return new ServerProcess(child, url);
  }

  /** Resident memory now. */
  async residentBytes(): Promise<number> {
    if (process.platform === 'linux') {
      const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8');
      return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) * 1024;
    }
    return Number(/^process_resident_memory_bytes (\S+)/m.exec(await this.#metrics())?.[1] ?? Number.NaN);
  }

  /** Requests that the server holds, but for the one that asks. */
  async underWay(): Promise<number> {
    return Number(/^sensorium_requests_under_way (\S+)/m.exec(await this.#metrics())?.[1] ?? Number.NaN) - 1;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.kill('SIGTERM');
    await ended;
  }

  async #metrics(): Promise<string> {
    return (await fetch(`${this.url}/metrics`)).text();
  }
}
