import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import type { LanguageModel } from '../../../../src/auto/index.ts';
import { lookAt } from '../../../../src/cli/start/start.ts';
import { picture } from '../../../../src/data/index.ts';
import { readPicture } from '../../../../src/data/node/index.ts';
import { writeLesson } from '../../../../src/recipe/node/index.ts';
import { temporaryFolder } from '../../hub/node/temporary.ts';

const folder = temporaryFolder();

it('teaches from a picture with transparent parts as if it lay on white', async () => {
  // Half transparent black, and a pixel of red.
  const shown = picture(2, 1, 4, Uint8Array.of(0, 0, 0, 128, 255, 0, 0, 255));
  await writeLesson(join(folder, 'lesson'), [{ picture: shown, names: { en: 'a dot', zh: 'a dot' } }]);
  const { channels, data } = await readPicture(join(folder, 'lesson', '000.png'));
  expect([channels, ...data]).toEqual([3, 127, 127, 127, 255, 0, 0]);
});

it('asks a model that cannot point for words alone', async () => {
  const asked: unknown[] = [];
  const model = {
    kind: 'language',
    name: 'a model',
    readsPictures: true,
    parts: { processor: {} },
    prompt: (messages: unknown) => Promise.resolve(asked.push(messages)),
    async *answer() {
      yield { text: 'a dot', token: undefined };
    },
  } as unknown as LanguageModel;
  const out = join(folder, 'tour');
  mkdirSync(out);
  await writeLesson(join(folder, 'own'), [{ picture: picture(2, 2, 3), names: { en: 'a dot', zh: 'a dot' } }]);
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await lookAt(model, join(folder, 'own', '000.png'), join(out, 'own-1.png'));
    expect(write.mock.calls.join('\n')).toContain('a dot');
  } finally {
    write.mockRestore();
  }
  expect(asked).toHaveLength(3);
  expect(readdirSync(out)).toEqual([]);
});
