/** How the tour ends: with the playground, where one can go on. */
import { createServer } from 'node:net';
import process from 'node:process';
import { serve, SERVE_DEFAULTS } from '../commands/serve.ts';
import { printable } from '../report-error.ts';

/** What requests call the adapter of the tour. */
const LESSON = 'lesson';

/**
 * At a terminal the server starts, and the page opens; it ends with Ctrl-C. Without one the address is told.
 * @param adapter folder of what the tour learned, if it did
 */
export async function openPlayground(model: string, adapter: string | undefined): Promise<void> {
  const { host, port } = SERVE_DEFAULTS;
  const learned = adapter === undefined ? [] : [`${LESSON}=${adapter}`];
  if (!process.stdout.isTTY || !process.stdin.isTTY) {
    const given = model === 'starter' ? '' : ` --model ${model}`;
    const command = `npx sensorium serve${given}${learned.map((each) => ` --adapter ${each}`).join('')}`;
    process.stdout.write(printable(`\nGo on in the browser, at http://${host}:${port}/ after\n  ${command}\n`));
    return;
  }
  const free = (await isFree(host, port)) ? port : 0;
  await serve({ ...SERVE_DEFAULTS, model: [model], adapter: learned, port: free, log: false, browser: true });
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}
