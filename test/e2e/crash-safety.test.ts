import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { disturbRuns, WORKLOADS } from '../../bench/crash-safety.ts';

const cli = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sensorium-e2e-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!existsSync(cli))('a training run that is disturbed', () => {
  it.each([
    ['easy-vqa', 4],
    ['sort-of-clevr', 2],
  ] as const)('goes on bit by bit after kill -9: %s', async (name, count) => {
    const trials = await disturbRuns({
      cli,
      folder: join(folder, `kill-${name}`),
      trials: count,
      seed: 11,
      signal: 'SIGKILL',
      workload: WORKLOADS[name],
    });
    for (const { identical, unreadable, output } of trials) {
      expect(unreadable, output).toBe(false);
      expect(identical, output).toBe(true);
    }
  });

  it('saves on Ctrl-C, says so, and goes on', async () => {
    const options = {
      cli,
      folder: join(folder, 'interrupt'),
      trials: 1,
      seed: 4,
      signal: 'SIGINT',
      spread: 0.1,
    } as const;
    const [trial] = await disturbRuns(options);
    expect(trial!.code, trial!.output).toBe(130);
    expect(trial!.output).toMatch(/Interrupted after step \d+: .*step-\d+/);
    expect(trial!.identical, trial!.output).toBe(true);
  });
});
