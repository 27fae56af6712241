import { mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildChild, tryAll, type Tried } from '../mutations/in-child.ts';
import type { Outcome } from '../mutations/mutation.ts';

// Damaged and hostile checkpoints and pictures: each ends in a typed error or in a load that is sound; nothing hangs,
// crashes or takes memory without bound. The lists are in test/mutations.

/** MiB of resident memory beyond what the process had before, at its highest and in the end. */
const LIMITS = { folders: { peak: 512, kept: 256 }, pictures: { peak: 512, kept: 256 } } as const;
const SETS = ['folders', 'pictures'] as const;

const tried = {} as Record<(typeof SETS)[number], Tried>;
// Below the project, so that packages are found.
const scratch = mkdtempSync(join(resolve(import.meta.dirname, '..', '..', 'node_modules'), '.mutations-'));

beforeAll(async () => {
  const program = await buildChild(scratch);
  await Promise.all(SETS.map(async (set) => (tried[set] = await tryAll(program, set, scratch))));
}, 600_000);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const show = ({ group, name, verdict }: Outcome): string =>
  `${group}: ${name}: ${verdict.kind} ${'what' in verdict ? verdict.what : 'message' in verdict ? verdict.message : ''}`;

describe.each(SETS)('%s', (set) => {
  it('are many', () => {
    const { outcomes } = tried[set];
    expect(outcomes.length).toBeGreaterThan(200);
    expect(new Set(outcomes.map(({ group, name }) => `${group}: ${name}`)).size).toBe(outcomes.length);
  });

  it('never hang, crash or end in an error that is not ours', () => {
    const bad = tried[set].outcomes.filter(({ verdict }) => verdict.kind !== 'refused' && verdict.kind !== 'loaded');
    expect(bad.map(show)).toEqual([]);
  });

  it('are refused where they are wrong, and loaded where they are harmless', () => {
    const wanted = { refused: 'refused', harmless: 'loaded' } as const;
    const bad = tried[set].outcomes.filter(
      ({ expect: how, verdict }) => how !== 'either' && verdict.kind !== wanted[how],
    );
    expect(bad.map(show)).toEqual([]);
  });

  it('take memory within bounds', () => {
    const { outcomes, before } = tried[set];
    const highest = outcomes.reduce((most, outcome) => (outcome.peak > most.peak ? outcome : most));
    expect(highest.peak - before, show(highest)).toBeLessThan(LIMITS[set].peak);
    expect(outcomes.at(-1)!.resident - before).toBeLessThan(LIMITS[set].kept);
  });
});
