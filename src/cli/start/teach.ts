/** The second half of the tour: an adapter learns the names of a handful of labelled pictures. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../../core/index.ts';
import { writeFileAtomic } from '../../core/node/index.ts';
import {
  namedPictures,
  onBackground,
  type Picture,
  type Sample,
  textOf,
  TRAINING_SETS,
  WITHHELD_CONCEPTS,
} from '../../data/index.ts';
import { openSampleSource, prepareScenes } from '../../data/node/index.ts';
import {
  type EvaluatedModel,
  evaluateSuite,
  type PictureSuite,
  type SuiteName,
  suiteSceneOptions,
} from '../../eval/index.ts';
import { openEmojiScenes } from '../../eval/node/index.ts';
import { writePng } from '../../explain/node/index.ts';
import { parseRecipe, type TuningRecipe, tuningRecipe } from '../../recipe/index.ts';

/** Side of the pictures that are made, in pixels; models bring them to their own size. */
export const SIDE = 112;
/** Pictures of each concept that are learned from, and that are asked about. */
const TAUGHT = 5;
const ASKED = 4;
const QUESTIONS = {
  en: ['What is this?', 'What does the picture show?', 'Name the thing in the picture.'],
  zh: ['这是什么？', '图里画的是什么？', '你看到了什么？'],
} as const;

/** A picture with its names. */
export interface Lesson {
  readonly picture: Picture;
  /** By language; what users give has one label for both. */
  readonly names: Readonly<Record<'en' | 'zh', string>>;
}

/** What is taught, and what is asked before and after. */
export interface Lessons {
  readonly taught: readonly Lesson[];
  readonly names: readonly string[];
  readonly asked: PictureSuite;
  /** Questions about scenes, to see what was forgotten. */
  readonly ordinary: PictureSuite;
}

/** Five concepts that the starter was never shown, by the studios that it was trained on; asked about by another studio. */
export async function unseenConcepts(questions: number): Promise<Lessons> {
  const taught = await pictures(TRAINING_SETS, { each: TAUGHT, seed: 11, vary: true });
  const asked = await pictures(['openmoji'], { each: ASKED, seed: 12, vary: false });
  const lessons = taught.map(({ concept, picture }) => ({
    picture,
    names: { en: concept.wording.en.name, zh: concept.wording.zh.name },
  }));
  return {
    taught: lessons,
    names: [...new Set(lessons.map(({ names }) => names.en))],
    asked: {
      name: 'taught',
      names: asked.flatMap(({ concept, picture, questions }, i) =>
        questions.map(({ language, text, question }, q): SuiteName => {
          const id = `${concept.hexcode}-${i}`;
          return {
            id: `${id}-${q}`,
            picture: { name: id, open: () => picture },
            language,
            question: textOf(question),
            name: text,
          };
        }),
      ),
    },
    ordinary: await openEmojiScenes('openmoji', { count: questions, names: 1, size: SIDE }),
  };
}

async function pictures(
  sets: Parameters<typeof suiteSceneOptions>[0]['sets'],
  { each, seed, vary }: { each: number; seed: number; vary: boolean },
): Promise<ReturnType<typeof namedPictures>> {
  const options = { ...suiteSceneOptions({ sets, size: SIDE }), vary };
  return namedPictures(await prepareScenes(options), options, { concepts: WITHHELD_CONCEPTS, each, seed });
}

/** The user's own pictures, each with its label. @throws DataError for pictures without one */
export async function ownPictures(folder: string, questions: number): Promise<Lessons> {
  const source = await openSampleSource({ path: folder });
  const taught: Lesson[] = [];
  try {
    for (let i = 0; i < source.length; i++) {
      const sample = await source.sample(i, { seed: 0, epoch: 0 });
      const label = labelOf(sample);
      taught.push({ picture: await sample.pictures[0]!.open(), names: { en: label, zh: label } });
    }
  } finally {
    await source.close?.();
  }
  return {
    taught,
    names: [...new Set(taught.map(({ names }) => names.en))],
    asked: {
      name: 'taught',
      names: taught.map(({ picture, names }, i): SuiteName => ({
        id: `own-${i}`,
        picture: { name: `own-${i}`, open: () => picture },
        language: 'en',
        question: QUESTIONS.en[0],
        name: names.en,
      })),
    },
    ordinary: await openEmojiScenes('openmoji', { count: questions, names: 1, size: SIDE }),
  };
}

function labelOf({ id, pictures: shown, conversations }: Sample): string {
  const last = textOf(conversations[0]?.at(-1)?.content ?? []).trim();
  if (shown.length !== 1 || last === '')
    throw new DataError(
      `${id} is no picture with a label`,
      'put a text file with its name beside each picture: cup.jpg, cup.txt',
    );
  return last;
}

/** How much of both is right. */
export interface Standing {
  readonly taught: number;
  readonly ordinary: number;
}

export async function standing(model: EvaluatedModel, { asked, ordinary }: Lessons): Promise<Standing> {
  const named = await evaluateSuite(model, asked, { parts: ['names'] });
  const known = await evaluateSuite(model, ordinary, { parts: ['questions'] });
  const right = named.answers.reduce((sum, { score }) => sum + score, 0);
  return { taught: right / named.answers.length, ordinary: known.figures['vqa']!.value };
}

/** Writes pictures and questions in LLaVA's form, so that the lesson can be repeated and changed. @returns path of the file */
export async function writeLesson(folder: string, taught: readonly Lesson[]): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const rows: string[] = [];
  for (const [i, { picture, names }] of taught.entries()) {
    const file = `${String(i).padStart(3, '0')}.png`;
    const { width, height, data } = onBackground(picture);
    await writePng(join(folder, file), { width, height, data });
    for (const language of ['en', 'zh'] as const)
      for (const question of QUESTIONS[language])
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
  const path = join(folder, 'data.jsonl');
  await writeFileAtomic(path, `${rows.join('\n')}\n`);
  return path;
}

/** Feed-forward layers of the language model alone: adapters of all layers learn the names sooner and forget more. */
const TARGETS = { targets: '.*\\.mlp\\..*', exclude: '.*(vision|visual|connector|projector|merger).*' };

/** The recipe of the lesson: an adapter, on the taught pictures and on ordinary scenes against forgetting. */
export function lessonRecipe(from: string, data: string, output: string, minutes: number): TuningRecipe {
  const text = JSON.stringify({
    model: { type: 'image-text', from, lora: { rank: 16, alpha: 32, ...TARGETS } },
    data: {
      kind: 'conversations',
      length: 128,
      learned: 48,
      evenness: 0.5,
      sources: [
        { kind: 'files', path: data, weight: 4 },
        { kind: 'scenes', weight: 1, questions: 6, objects: [2, 6], single: 0.3, length: 10_000 },
      ],
    },
    optimizer: { kind: 'adamw', lr: 0.003, betas: [0.9, 0.98], clip: 1 },
    schedule: { kind: 'cosine', warmup: 5, floor: 0.05 },
    train: { minutes, batch: 4, seed: 1, keep: 1 },
    output,
  });
  return parseRecipe(tuningRecipe, text, 'the lesson');
}
