/** The process in which mutations are tried, one after another, from a given one on. */
import { trialsOf } from './groups.ts';
import type { Outcome } from './mutation.ts';

const MIB = 2 ** 20;
const [set, scratch, fixtures, from] = process.argv.slice(2) as [string, string, string, string];
const trials = trialsOf(set, scratch, fixtures);

// The first one is tried before memory is looked at: it loads the engine and the libraries.
await trials[0]!.run();
send({ count: trials.length, ...memory() });
for (const [index, { group, name, expect, run }] of trials.entries()) {
  if (index < Number(from)) continue;
  send({ index, group, name, expect });
  const started = performance.now();
  const verdict = await run().catch((error: unknown) => ({
    kind: 'fault' as const,
    what: `the test itself: ${String(error)}`,
  }));
  const milliseconds = performance.now() - started;
  // Each collection takes longer than most mutations.
  if (index % 100 === 0 || index === trials.length - 1) globalThis.gc?.();
  send({ index, outcome: { group, name, expect, verdict, milliseconds, ...memory() } satisfies Outcome });
}
process.disconnect();

function memory(): { peak: number; resident: number } {
  return { peak: process.resourceUsage().maxRSS / 1024, resident: process.memoryUsage.rss() / MIB };
}

function send(message: object): void {
  process.send!(message);
}
