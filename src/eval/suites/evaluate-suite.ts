import { DataError } from '../../core/index.ts';
import { type Picture, picture, type RelativeBox, type SamplePicture } from '../../data/index.ts';
import type { PictureQuestion } from '../../tasks/index.ts';
import { isRight, plainAnswer, softAccuracy } from './answers.ts';
import { intersectionOverUnion } from './boxes.ts';
import type { EmbeddingModel, EvaluatedModel } from './evaluated-model.ts';
import { type Figure, groupBy, macroFigure, meanFigure, type ScoredItem } from './figures.ts';
import { captionScore } from './mentions.ts';
import { type PictureSuite, SUITE_PARTS, type SuitePart } from './picture-suite.ts';
import { firstRanks } from './retrieval.ts';

/** How a suite is asked. */
export interface SuiteOptions {
  /** All that the suite has unless told. */
  readonly parts?: readonly SuitePart[];
  /** Questions that are answered together. */
  readonly batch?: number;
  /** Grey in the place of every picture: what can be answered without looking. */
  readonly blind?: boolean;
  readonly progress?: (part: SuitePart, done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** An answer with what would have been right. */
export interface SuiteAnswer {
  readonly part: SuitePart;
  readonly id: string;
  readonly kind: string;
  readonly language: string;
  readonly question: string;
  readonly answer: string;
  readonly truth: string;
  /** 0 to 1. */
  readonly score: number;
  /** What was asked about. */
  readonly picture: SamplePicture;
}

/** Everything that was found. Figures by name: `vqa`, `grounding@0.5`, `naming-en`, … */
export interface SuiteResult {
  readonly suite: string;
  readonly model: string;
  readonly figures: Readonly<Record<string, Figure>>;
  /** Accuracy of the questions of each kind. */
  readonly kinds: Readonly<Record<string, Figure>>;
  /** Macro-average over kinds of the questions in each language. */
  readonly languages: Readonly<Record<string, Figure>>;
  readonly answers: readonly SuiteAnswer[];
  /** Parts that the model cannot do. */
  readonly skipped: readonly SuitePart[];
}

/** Most tokens of an answer, part by part. */
const TOKENS = { questions: 24, phrases: 64, names: 24, steps: 128, captions: 96 } as const;
/** Smallest overlap of a box that counts as found. */
const OVERLAP = 0.5;
/** Pictures that are in memory together while vectors are made. */
const EMBEDDED = 32;

/**
 * Asks a model everything that a suite holds and it can do. Nothing is printed and nothing is written; a trainer may call it
 * between steps.
 * @throws DataError when the suite is empty, errors of the model
 */
export async function evaluateSuite(
  model: EvaluatedModel,
  suite: PictureSuite,
  options: SuiteOptions = {},
): Promise<SuiteResult> {
  const wanted = (options.parts ?? SUITE_PARTS).filter((part) => (suite[part]?.length ?? 0) > 0);
  if (wanted.length === 0) throw new DataError(`the suite ${suite.name} asks nothing of what is wanted`);
  const run = new SuiteRun(model, suite, options);
  const skipped: SuitePart[] = [];
  for (const part of SUITE_PARTS.filter((each) => wanted.includes(each))) {
    options.signal?.throwIfAborted();
    if (!(await run.ask(part))) skipped.push(part);
  }
  const { figures, kinds, languages, answers } = run;
  return { suite: suite.name, model: model.name, figures, kinds, languages, answers, skipped };
}

/** What is scored of an item, before its answer is there. */
interface Asked {
  readonly id: string;
  readonly kind: string;
  readonly language: string;
  readonly picture: SamplePicture;
  readonly question: string;
  readonly truth: string;
  score(answer: string): number | Promise<number>;
}

class SuiteRun {
  readonly figures: Record<string, Figure> = {};
  readonly kinds: Record<string, Figure> = {};
  readonly languages: Record<string, Figure> = {};
  readonly answers: SuiteAnswer[] = [];
  readonly #model: EvaluatedModel;
  readonly #suite: PictureSuite;
  readonly #options: SuiteOptions;

  constructor(model: EvaluatedModel, suite: PictureSuite, options: SuiteOptions) {
    this.#model = model;
    this.#suite = suite;
    this.#options = options;
  }

  /** @returns false where the model cannot do it */
  async ask(part: SuitePart): Promise<boolean> {
    const { grounding, embedding } = this.#model;
    if (part === 'pairs') return embedding !== undefined && (await this.#pairs(embedding));
    if (this.#model.answer === undefined || (part === 'phrases' && grounding === undefined)) return false;
    await this[part]();
    return true;
  }

  async questions(): Promise<void> {
    const items = this.#suite.questions!;
    const scored = await this.#scored(
      'questions',
      items.map((item) => ({
        ...item,
        truth: item.answers[0]!,
        score: (answer) =>
          item.people === true ? softAccuracy(answer, item.answers) : Number(isRight(answer, item.answers)),
      })),
    );
    const kinds = groupBy(scored, ({ kind }) => kind);
    this.figures['vqa'] = macroFigure(kinds);
    for (const [kind, rows] of kinds) this.kinds[kind] = meanFigure(rows);
    for (const [language, rows] of groupBy(scored, (row) => row.language))
      this.languages[language] = macroFigure(groupBy(rows, ({ kind }) => kind));
  }

  async phrases(): Promise<void> {
    const { grounding } = this.#model;
    const items = this.#suite.phrases!;
    const scored = await this.#scored(
      'phrases',
      items.map((item) => ({
        ...item,
        kind: 'grounding',
        question: grounding!.question(item.phrase),
        truth: item.boxes.map((box) => box.map((side) => side.toFixed(3)).join(' ')).join(', '),
        score: async (answer) => {
          // The reader may want to know the size of the picture as it was given.
          const shown = await item.picture.open();
          const first = grounding!.read(answer, shown).boxes[0];
          if (first === undefined) return 0;
          const { width, height } = shown;
          const box: RelativeBox = [first.left / width, first.top / height, first.right / width, first.bottom / height];
          return Number(item.boxes.some((truth) => intersectionOverUnion(box, truth) >= OVERLAP));
        },
      })),
    );
    this.figures['grounding@0.5'] = meanFigure(scored);
  }

  async names(): Promise<void> {
    const items = this.#suite.names!;
    const scored = await this.#scored(
      'names',
      items.map((item) => ({
        ...item,
        kind: 'naming',
        truth: item.name,
        score: (answer) => Number(isRight(answer, [item.name])),
      })),
    );
    for (const [language, rows] of groupBy(scored, (row) => row.language))
      this.figures[`naming-${language}`] = meanFigure(rows);
  }

  async steps(): Promise<void> {
    const split = this.#suite.splitSteps ?? ((answer: string) => answer.split('\n'));
    const plain = (parts: readonly string[]): string[] => parts.map(plainAnswer).filter((part) => part !== '');
    const items = this.#suite.steps!;
    const scored = await this.#scored(
      'steps',
      items.map((item) => ({
        ...item,
        kind: 'steps',
        truth: item.parts.join('\n'),
        score: (answer) => Number(plain(split(answer)).join('\n') === plain(item.parts).join('\n')),
      })),
    );
    this.figures['steps-all-right'] = meanFigure(scored);
  }

  async captions(): Promise<void> {
    const items = this.#suite.captions!;
    let [absent, named] = [0, 0];
    const absences: ScoredItem[] = [];
    const scored = await this.#scored(
      'captions',
      items.map((item) => ({
        ...item,
        kind: 'caption',
        truth: item.shown.join(', '),
        score: (answer) => {
          const score = captionScore(this.#suite.namedIn?.[item.language]?.(answer) ?? [], item.shown);
          absent += score.absent;
          named += score.named;
          for (let i = 0; i < score.named; i++)
            absences.push({ group: item.picture.name, score: Number(i < score.absent) });
          return score.f1;
        },
      })),
    );
    this.figures['caption-object-f1'] = meanFigure(scored);
    // A model that names nothing says nothing wrong, which is no figure.
    if (named > 0) this.figures['chair-i'] = { ...meanFigure(absences), value: absent / named };
  }

  async #pairs(embedding: EmbeddingModel): Promise<boolean> {
    const means: ScoredItem[] = [];
    const languages = groupBy(this.#suite.pairs!, ({ language }) => language);
    let name = '';
    for (const [language, pairs] of languages) {
      const vectors: Record<'pictures' | 'texts', Float32Array[]> = { pictures: [], texts: [] };
      for (let at = 0; at < pairs.length; at += EMBEDDED) {
        this.#options.signal?.throwIfAborted();
        const batch = pairs.slice(at, at + EMBEDDED);
        const shown: Picture[] = [];
        for (const pair of batch) shown.push(await this.#shown(pair.picture).open());
        vectors.pictures.push(...(await embedding.embedPictures(shown)));
        vectors.texts.push(...(await embedding.embedTexts(batch.map(({ text }) => text))));
        this.#options.progress?.('pairs', vectors.pictures.length, pairs.length);
      }
      const { imageToText, textToImage } = firstRanks(vectors.pictures, vectors.texts);
      const scored = (ranks: readonly number[]): ScoredItem[] =>
        ranks.map((score, i) => ({ group: pairs[i]!.picture.name, score }));
      name = `retrieval-r1-${pairs.length}`;
      this.figures[`${name}-image-to-text-${language}`] = meanFigure(scored(imageToText));
      this.figures[`${name}-text-to-image-${language}`] = meanFigure(scored(textToImage));
      means.push(...scored(imageToText), ...scored(textToImage));
    }
    this.figures[name] = meanFigure(means);
    return true;
  }

  async #scored(part: Exclude<SuitePart, 'pairs'>, asked: readonly Asked[]): Promise<(ScoredItem & SuiteAnswer)[]> {
    const { batch, signal, progress } = this.#options;
    const questions = asked.map((item): PictureQuestion => ({
      picture: this.#shown(item.picture),
      question: item.question,
      maxNewTokens: TOKENS[part],
    }));
    const texts = await this.#model.answer!(questions, {
      ...(batch === undefined ? {} : { batch }),
      ...(signal === undefined ? {} : { signal }),
      progress: (done) => progress?.(part, done, asked.length),
    });
    const rows: (ScoredItem & SuiteAnswer)[] = [];
    for (const [i, { id, kind, language, picture: source, question, truth, ...item }] of asked.entries()) {
      const answer = texts[i]!;
      const score = await item.score(answer);
      const row = { part, id, kind, language, question, answer, truth, score, picture: source };
      this.answers.push(row);
      rows.push({ ...row, group: source.name });
    }
    return rows;
  }

  #shown(source: SamplePicture): SamplePicture {
    return this.#options.blind === true ? GREY : source;
  }
}

const SIDE = 64;
const grey: Picture = picture(SIDE, SIDE, 3, new Uint8Array(SIDE * SIDE * 3).fill(128));
/** One picture for all, so that it is encoded once. */
const GREY: SamplePicture = { name: 'grey', open: () => grey };
