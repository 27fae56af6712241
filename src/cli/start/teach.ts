/** The second half of the tour: an adapter learns the names of a handful of labelled pictures. */
import { DataError } from '../../core/index.ts';
import { namedPictures, type Sample, textOf, TRAINING_SETS, WITHHELD_CONCEPTS } from '../../data/index.ts';
import { openSampleSource, prepareScenes } from '../../data/node/index.ts';
import {
  type EvaluatedModel,
  evaluateSuite,
  type PictureSuite,
  type SuiteName,
  suiteSceneOptions,
} from '../../eval/index.ts';
import { openEmojiScenes } from '../../eval/node/index.ts';
import { type Lesson, LESSON_QUESTIONS } from '../../recipe/index.ts';

/** Side of the pictures that are made, in pixels; models bring them to their own size. */
export const SIDE = 112;
/** Pictures of each concept that are learned from, and that are asked about. */
const TAUGHT = 5;
const ASKED = 4;

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
        question: LESSON_QUESTIONS.en[0]!,
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
