/** Questions that a run puts to its model while it learns: what it writes, and how much of it is right. */
import sharp from 'sharp';
import { TrainingError } from '../../../core/index.ts';
import type { LoadedModel } from '../../../auto/index.ts';
import { onBackground, type Picture, type Sample, textOf } from '../../../data/index.ts';
import { isRight } from '../../../eval/suites/answers.ts';
import { askMany, type PictureQuestion } from '../../../tasks/index.ts';
import type { WrittenSample } from '../../../train/index.ts';
import type { OpenedSources } from '../../conversations/node/sources.ts';

/** A pass that no run comes to: sources that make their samples make other ones in it. */
const HELD_PASS = 1_000_000_007;
/** Tokens of an answer. */
const MAX_NEW_TOKENS = 64;
/** Side of the pictures that are shown beside answers. */
const THUMBNAIL = 96;

/** A question of the data about one picture. */
interface HeldQuestion extends PictureQuestion {
  readonly expected: string;
  /** Data URL. */
  readonly thumbnail: string;
}

/** What was written to all of them. */
export interface HeldAnswers {
  readonly samples: readonly WrittenSample[];
  /** Share of right answers, 0 to 1. */
  readonly exact: number;
}

export class HeldQuestions {
  readonly #questions: readonly HeldQuestion[];

  private constructor(questions: readonly HeldQuestion[]) {
    this.#questions = questions;
  }

  /**
   * Takes questions from all over the sources, one of each sample and each time another one.
   * @param count how many, at most
   * @throws TrainingError where the data ask nothing about a picture
   */
  static async open(sources: OpenedSources, count: number, seed: number): Promise<HeldQuestions> {
    const questions: HeldQuestion[] = [];
    const looked = Math.min(sources.length, 4 * count);
    for (let i = 0; i < looked && questions.length < count; i++) {
      const sample = await sources.sample(Math.floor((i * sources.length) / looked), { seed, epoch: HELD_PASS });
      const question = await questionOf(sample, i);
      if (question !== undefined) questions.push(question);
    }
    if (questions.length === 0)
      throw new TrainingError(
        'the data hold no question about one picture that is answered in plain text',
        'set train.evaluateEvery and train.samplesEvery to 0',
      );
    return new HeldQuestions(questions);
  }

  /** Asks a model all questions and compares. */
  async ask(model: LoadedModel): Promise<HeldAnswers> {
    const answers = await askMany(model, this.#questions);
    const samples = this.#questions.map(({ question, expected, thumbnail }, i): WrittenSample => {
      return { question, expected, generated: answers[i]!, picture: thumbnail };
    });
    const right = samples.filter(({ expected, generated }) => isRight(generated, [expected!])).length;
    return { samples, exact: right / samples.length };
  }
}

/** One of the sample's conversations that begin with a question and a plain answer. @param turn which one of them */
async function questionOf({ pictures, conversations }: Sample, turn: number): Promise<HeldQuestion | undefined> {
  const [first] = pictures;
  if (first === undefined || pictures.length > 1) return undefined;
  const pairs = conversations.flatMap((turns) => {
    const [asked, answered] = turns;
    const [question, expected] = [plainText(asked, 'user'), plainText(answered, 'assistant')];
    return question === undefined || expected === undefined ? [] : [{ question, expected }];
  });
  const pair = pairs[turn % Math.max(1, pairs.length)];
  if (pair === undefined) return undefined;
  const picture = await first.open();
  return {
    ...pair,
    picture: { name: first.name, open: () => picture },
    maxNewTokens: MAX_NEW_TOKENS,
    thumbnail: await thumbnailUrl(picture),
  };
}

/** The text of a turn; nothing where it holds boxes, which each model writes in its own way. */
function plainText(turn: Sample['conversations'][number][number] | undefined, role: string): string | undefined {
  if (turn?.role !== role || turn.content.some(({ type }) => type === 'box')) return undefined;
  const text = textOf(turn.content);
  return text.trim() === '' ? undefined : text;
}

async function thumbnailUrl(picture: Picture): Promise<string> {
  const { width, height, data } = onBackground(picture);
  const bytes = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(THUMBNAIL, THUMBNAIL, { fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 80 })
    .toBuffer();
  return `data:image/webp;base64,${bytes.toString('base64')}`;
}
