import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createProgram } from '../../../src/cli/program.ts';
import { CheckpointError } from '../../../src/core/index.ts';

const startStatements = vi.hoisted(() => vi.fn<() => Promise<void>>());
vi.mock('../../../src/cli/statements/start.ts', () => ({ startStatements }));
vi.mock('../../../src/auto/node/index.ts', () => ({
  hasStarter: () => Promise.resolve(false),
  resolveModel: () => Promise.reject(new CheckpointError('this copy of the package has no starter')),
}));

const start = (...args: string[]): Promise<unknown> => createProgram().parseAsync(['start', ...args], { from: 'user' });

describe('start without a starter', () => {
  beforeEach(() => startStatements.mockClear());

  it.each([[['--image', 'cup.png']], [['--teach', 'lessons']]])('says so for %j, and trains nothing', async (given) => {
    await expect(start(...given)).rejects.toThrow(/has no starter/);
    expect(startStatements).not.toHaveBeenCalled();
  });

  it('trains the model of statements where nothing else is asked for', async () => {
    await start();
    expect(startStatements).toHaveBeenCalledOnce();
  });
});
