import process from 'node:process';
import { createServer } from '../src/serve/index.ts';
import { listen, openPool, pictureReader, readPageFiles } from '../src/serve/node/index.ts';
import { type BenchOptions, type Figure, median } from './types.ts';

export const description =
  'How soon the playground paints on loopback in Chromium, from an empty cache, and how large it is';

/** Where Debian has it; `CHROME_PATH` goes first. */
const CHROMIUM = '/usr/bin/chromium';
const SCREENS = { desk: { width: 1280, height: 860 }, phone: { width: 360, height: 740 } } as const;

export async function* run({ rounds }: BenchOptions): AsyncIterable<Figure> {
  // A tool of this repository, which users of the package do not have.
  const { chromium } = await import('playwright-core');
  const page = await readPageFiles();
  const bytes = [...page.values()].reduce((sum, file) => sum + (file.packed ?? file.bytes).length, 0);
  yield { name: 'all files, compressed', value: bytes / 1000, unit: 'kB' };
  const pool = await openPool([{ name: 'starter', source: 'starter' }], []);
  const listening = await listen(createServer({ pool, openPicture: pictureReader(), page }), { port: 0 });
  const executablePath = process.env['CHROME_PATH'] ?? CHROMIUM;
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    for (const [name, viewport] of Object.entries(SCREENS)) {
      const paints: number[] = [];
      // The first opening also starts the browser's parts, and does not count.
      for (let round = -1; round < rounds; round++) {
        const context = await browser.newContext({ viewport });
        const tab = await context.newPage();
        await tab.goto(listening.url);
        await tab.locator('main').waitFor();
        const paint = await tab.evaluate(
          () =>
            new Promise<number>((resolve) => {
              new PerformanceObserver((list, observer) => {
                const [first] = list.getEntriesByName('first-contentful-paint');
                if (first === undefined) return;
                observer.disconnect();
                resolve(first.startTime);
              }).observe({ type: 'paint', buffered: true });
            }),
        );
        if (round >= 0) paints.push(paint);
        await context.close();
      }
      const note = `longest of ${rounds}: ${Math.max(...paints).toFixed(0)} ms`;
      yield { name: `first paint, ${name}`, value: median(paints), unit: 'ms', note };
    }
  } finally {
    await browser.close();
    await listening.drain(1);
    await pool.dispose();
  }
}
