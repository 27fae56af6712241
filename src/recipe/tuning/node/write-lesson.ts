import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TrainingError } from '../../../core/index.ts';
import { writeFileAtomic } from '../../../core/node/index.ts';
import { onBackground, type Picture } from '../../../data/index.ts';
import { writePng } from '../../../explain/node/index.ts';
import { type Lesson, LESSON_QUESTIONS } from '../lesson.ts';

/** Name of the file of a picture, by its place in the lesson. */
export function lessonPicture(index: number): string {
  return `${String(index).padStart(3, '0')}.png`;
}

/**
 * Writes pictures and questions in LLaVA's form, so that the lesson can be repeated and changed.
 * @returns path of the file  @throws TrainingError when the folder cannot be written, and what opening the pictures throws
 */
export async function writeLesson(folder: string, taught: Iterable<Lesson> | AsyncIterable<Lesson>): Promise<string> {
  const path = join(folder, 'data.jsonl');
  await writing(folder, async () => {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
  });
  const rows: string[] = [];
  let count = 0;
  for await (const { picture, names } of taught) {
    const file = lessonPicture(count++);
    await writing(folder, () => writePicture(join(folder, file), picture));
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
  await writing(folder, () => writeFileAtomic(path, `${rows.join('\n')}\n`));
  return path;
}

async function writePicture(path: string, picture: Picture): Promise<void> {
  const { width, height, data } = onBackground(picture);
  await writePng(path, { width, height, data });
}

async function writing(folder: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    throw new TrainingError(
      `${folder} cannot be written: ${(cause as Error).message}`,
      'check the disk, the folder and its permissions',
      { cause },
    );
  }
}
