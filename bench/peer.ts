import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A peer in a process of its own, spoken to in lines: a command in, a JSON object out. */
export class Peer {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(process: ChildProcess) {
    this.#process = process;
    this.#lines = createInterface({ input: process.stdout! })[Symbol.asyncIterator]();
  }

  /** @throws Error with what the peer printed when it does not get ready */
  static async start(command: string, args: readonly string[], threads: number): Promise<Peer> {
    const limits = { OMP_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads) };
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'], env: { ...process.env, ...limits } });
    child.on('error', () => {});
    const peer = new Peer(child);
    const answer = await peer.#answer();
    if (answer['ready'] !== true) {
      const reason = answer['error'];
      throw new Error(typeof reason === 'string' ? reason : 'the peer did not start');
    }
    return peer;
  }

  /** Its process, or 0 once it has ended. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  async ask(line: string): Promise<Record<string, unknown>> {
    this.#process.stdin!.write(`${line}\n`);
    return await this.#answer();
  }

  /** Median seconds of one step over `count` steps. */
  async step(count: number): Promise<number> {
    return (await this.ask(`step ${count}`))['seconds'] as number;
  }

  async peakBytes(): Promise<number> {
    return (await this.ask('memory'))['peak_rss'] as number;
  }

  stop(): void {
    this.#process.kill();
  }

  async #answer(): Promise<Record<string, unknown>> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('the peer ended; run it by hand to see why');
    return JSON.parse(value) as Record<string, unknown>;
  }
}
