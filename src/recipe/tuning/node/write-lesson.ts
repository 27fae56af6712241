import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, SensoriumError } from '../../../core/index.ts';
import { writeFileAtomic } from '../../../core/node/index.ts';
import { onBackground } from '../../../data/index.ts';
import { writePng } from '../../../explain/node/index.ts';
import { type Lesson, LESSON_QUESTIONS } from '../lesson.ts';

/** Number of the file of a picture, which is its place in the lesson. */
export function lessonPicture(index: number): string {
  return `${String(index).padStart(3, '0')}.png`;
}

/**
 * Writes pictures and questions in LLaVA's form, so that the lesson can be repeated and changed.
 * @returns path of the file  @throws DataError when the folder cannot be written
 */
export async function writeLesson(folder: string, taught: Iterable<Lesson> | AsyncIterable<Lesson>): Promise<string> {
  const path = join(folder, 'data.jsonl');
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    const rows: string[] = [];
    let count = 0;
    for await (const { picture, names } of taught) {
      const file = lessonPicture(count++);
      const { width, height, data } = onBackground(picture);
      await writePng(join(folder, file), { width, height, data });
      for (const language of ['en', 'zh'] as const)
        for (const question of LESSON_QUESTIONS[language])
          rows.push(
            JSON.stringify({
              id: `${file} ${language}`,
              image: file,
              conversations: [
                { from: 'human', value: `<image>${question}` },
                { from: 'gpt', value: names[language] },
              ],
            }),
          );
    }
    await writeFileAtomic(path, `${rows.join('\n')}\n`);
  } catch (cause) {
    // What opens a picture says what is wrong with it.
    if (cause instanceof SensoriumError) throw cause;
    throw new DataError(
      `${folder} cannot be written: ${(cause as Error).message}`,
      'check the disk, the folder and its permissions',
      { cause },
    );
  }
  return path;
}
