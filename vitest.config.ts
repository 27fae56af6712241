import { defineConfig } from 'vitest/config';
import { findChromium } from './scripts/setup/browser.mjs';

const MINUTE = 60_000;

/** One tier of tests: what is in `test/<name>`, and how long one test of it may take before it counts as hung. */
function tier(name: string, minutes: number): object {
  return {
    extends: true,
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      testTimeout: minutes * MINUTE,
      hookTimeout: minutes * MINUTE,
    },
  };
}

const chromium = findChromium();

export default defineConfig({
  test: {
    environment: 'node',
    env: chromium === undefined ? {} : { CHROMIUM_PATH: chromium },
    // Engines keep threads and native memory per process, so every test file gets a process of its own.
    pool: 'forks',
    maxWorkers: 2,
    projects: [tier('unit', 2), tier('parity', 5), tier('golden', 5), tier('e2e', 15)],
  },
});
