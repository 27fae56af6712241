import { mkdir, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import sharp from 'sharp';

import { DataError } from '../../../core/index.ts';
import { writeFileAtomic } from '../../../core/node/files.ts';
import { sampleRandom, type ReportProgress } from '../../dataset.ts';
import type { DrawingSet } from '../../emoji/concepts.ts';
import { CREDITS } from '../../emoji/credits.ts';
import type { EmojiMaterial } from '../../emoji/dataset.ts';
import { writeRow } from '../../formats/write-row.ts';
import { writeNewFolder } from '../../node/new-folder.ts';
import { SceneMaker } from '../maker.ts';
import { fullSceneOptions, type SceneOptions } from '../options.ts';
import { asConversation } from '../question.ts';
import { makeAsked, type AskedScene } from '../source.ts';
import { SceneVocabulary } from '../vocabulary.ts';
import { prepare } from './source.ts';

const MAX_SCENES = 1_000_000;
/** Pictures in a folder, so that no folder becomes slow to list. */
const PER_FOLDER = 1000;

/** What {@link writeScenes} is to write. */
export interface WriteOptions extends SceneOptions {
  readonly count: number;
  readonly seed: number;
}

/** What {@link writeScenes} made. */
export interface WrittenScenes {
  readonly scenes: number;
  readonly conversations: number;
}

/**
 * Writes `count` scenes into a new folder: pictures as PNG, `data.jsonl` with a conversation a line in LLaVA's form, `scenes.jsonl` with
 * what is in each picture, and `README.md` with licences. The folder is whole or absent.
 * @throws DataError when the folder holds something already, or the options make no sense
 */
export async function writeScenes(
  folder: string,
  options: WriteOptions,
  report?: ReportProgress,
): Promise<WrittenScenes> {
  return writeScenesOf(folder, options, () => prepare(options, report), report);
}

/** As {@link writeScenes}, with drawings that are prepared once all else is known to be right. */
export async function writeScenesOf(
  folder: string,
  { count, seed, ...options }: WriteOptions,
  drawings: () => Promise<EmojiMaterial>,
  report?: ReportProgress,
): Promise<WrittenScenes> {
  if (!Number.isSafeInteger(count) || count < 1 || count > MAX_SCENES)
    throw new DataError(`${count} scenes cannot be written`, `give a whole number from 1 to ${MAX_SCENES}`);
  const full = fullSceneOptions(options);
  return writeNewFolder(folder, async (into) => {
    const { concepts, sprites } = await drawings();
    const maker = new SceneMaker(full, new SceneVocabulary(concepts, full.without), sprites);
    let conversations = 0;
    const data = await open(join(into, 'data.jsonl'), 'wx');
    const facts = await open(join(into, 'scenes.jsonl'), 'wx');
    try {
      for (let index = 0; index < count; index++) {
        const asked = makeAsked(maker, sampleRandom(seed, 0, index));
        const image = pictureName(index);
        if (index % PER_FOLDER === 0) await mkdir(join(into, dirname(image)), { recursive: true });
        const { width, height, channels, data: pixels } = asked.scene.picture;
        await sharp(pixels, { raw: { width, height, channels } }).png().toFile(join(into, image));
        await data.writeFile(conversationLines(asked, image));
        await facts.writeFile(`${JSON.stringify(factsOf(asked, image))}\n`);
        conversations += asked.questions.length;
        report?.(index + 1, count, 'scenes');
      }
      await data.sync();
      await facts.sync();
    } finally {
      await data.close();
      await facts.close();
    }
    await writeFileAtomic(join(into, 'README.md'), readme(full.sets, count, seed));
    return { scenes: count, conversations };
  });
}

function pictureName(index: number): string {
  const number = String(index).padStart(7, '0');
  return `images/${number.slice(0, 4)}/${number}.png`;
}

function conversationLines({ questions }: AskedScene, image: string): string {
  const id = basename(image, '.png');
  return questions
    .map((question, i) => {
      const { kind, form, language } = question;
      const row = writeRow('llava', { id: `${id}-${i}`, pictures: [image], turns: asConversation(question) });
      return `${JSON.stringify({ ...row, kind, form, language })}\n`;
    })
    .join('');
}

/** What is known of a scene, in plain words. */
function factsOf({ scene }: AskedScene, image: string): unknown {
  const round = (box: readonly number[]): number[] => box.map((side) => Number(side.toFixed(4)));
  return {
    image,
    objects: scene.objects.map(({ concept, kind, box, colour }) => ({
      hexcode: concept.hexcode,
      en: concept.wording.en.name,
      zh: concept.wording.zh.name,
      ...(kind === undefined ? {} : { kind: kind.key }),
      ...(colour === undefined ? {} : { colour }),
      box: round(box),
    })),
    ...(scene.word === undefined ? {} : { word: { text: scene.word.text, box: round(scene.word.box) } }),
  };
}

function creditOf(set: DrawingSet): string {
  const { name, licence, credit } = CREDITS[set];
  const caution =
    set === 'openmoji' ? ': what is made of it must be shared alike; test with it, and do not train on it' : '';
  return `${name} by ${credit}, ${licence}${caution}`;
}

function readme(sets: readonly DrawingSet[], count: number, seed: number): string {
  const lines = [...new Set(sets)].map((set) => `- ${creditOf(set)}`);
  return `# Emoji scenes

${count} pictures, made by \`sensorium data synth\` with seed ${seed}. \`data.jsonl\` holds conversations, one a line; boxes are left, top,
right and bottom as parts of the picture's sides. \`scenes.jsonl\` says what is in each picture.

The drawings are by others:

${lines.join('\n')}

Their names are those of emojibase-data (MIT).
`;
}
