/** `sensorium apply` as a user calls it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt, ROOT, sensoriumIn, temporaryFolder } from './cli.ts';

const folder = temporaryFolder();
beforeAll(ensureBuilt, 600_000);
afterAll(folder.remove);

const run = (...args: string[]): ReturnType<typeof sensoriumIn> => sensoriumIn(folder.path, ['apply', ...args]);

describe('sensorium apply', () => {
  it('lists the applications, in both languages', () => {
    const { status, stdout } = run('--language', 'zh');
    expect(status).toBe(0);
    expect(stdout.match(/^\w+/gm)).toEqual(['support', 'education', 'medical', 'design', 'driving']);
    expect(stdout).toContain('驾驶场景');
  });

  it('prints an answer for people, with its warning first and what the model is not', () => {
    const { status, stdout, stderr } = run('medical', '--sample', '--max-tokens', '300');
    expect(status, stderr).toBe(0);
    expect(stdout.startsWith('⚠ Draft by a program, not a diagnosis.')).toBe(true);
    expect(stdout).toMatch(/^What can be seen:\n {2}- Region: /m);
    expect(stdout).toMatch(/^! this model knows drawings of emoji/m);
  });

  it('prints JSON of the form, about a picture of the user’s', () => {
    const image = join(ROOT, 'recipes', 'applications', 'samples', 'driving.png');
    expect(existsSync(image)).toBe(true);
    const { status, stdout, stderr } = run(
      'driving',
      '--image',
      image,
      '--text',
      '时速四十',
      '--language',
      'zh',
      '--max-tokens',
      '300',
      '--json',
    );
    expect(status, stderr).toBe(0);
    const { application, answer, warning, notes } = JSON.parse(stdout) as Record<string, any>;
    expect(application).toBe('driving');
    expect(answer.warning).toBe(warning);
    expect(warning).toContain('不是驾驶系统');
    expect(['go on', 'slow down', 'stop', 'give way', 'change lane', 'turn left', 'turn right']).toContain(
      answer.decision,
    );
    expect(notes).toHaveLength(1);
  });

  it.each([
    [['poetry', '--sample'], /there is no application 'poetry'/],
    [['support'], /there is no picture/],
    [['support', '--sample', '--max-tokens', '10'], /takes \d+ tokens at least, and there is room for 10/],
  ])('%j is refused', (args, message) => {
    const { status, stderr } = run(...args);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
  });
});
