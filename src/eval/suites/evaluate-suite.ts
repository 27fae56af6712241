import { DataError, groupBy } from '../../core/index.ts';
import { type Picture, picture, type SamplePicture } from '../../data/index.ts';
import type { EvaluatedModel } from './evaluated-model.ts';
import { type PictureSuite, SUITE_PARTS, type SuitePart } from './picture-suite.ts';
import { retrievePairs } from './retrieve-pairs.ts';
import { type AnsweredItem, type AnsweredPart, type AskedItem, type Figures, PARTS } from './suite-parts.ts';

/** How a suite is asked. */
export interface SuiteOptions {
  /** All that the suite has unless told. */
  readonly parts?: readonly SuitePart[];
  /** Questions that are answered together. */
  readonly batch?: number;
  /** Grey in the place of every picture: what can be answered without looking. */
  readonly blind?: boolean;
  readonly progress?: (what: 'answers' | 'vectors', done: number, total: number) => void;
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
export interface SuiteResult extends Readonly<Figures> {
  readonly suite: string;
  readonly model: string;
  readonly answers: readonly SuiteAnswer[];
  /** Parts that the model cannot do. */
  readonly skipped: readonly SuitePart[];
}

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
  const { parts = SUITE_PARTS, progress, signal } = options;
  const wanted = SUITE_PARTS.filter((part) => parts.includes(part) && (suite[part]?.length ?? 0) > 0);
  if (wanted.length === 0) throw new DataError(`the suite ${suite.name} asks nothing of what is wanted`);
  // Grey pictures are all the same: there is nothing to retrieve.
  const skipped = wanted.filter((part) => !canDo(model, part) || (part === 'pairs' && options.blind === true));
  const found: Figures = { figures: {}, kinds: {}, languages: {} };
  const answers: SuiteAnswer[] = [];
  const answered = wanted.filter((part): part is AnsweredPart => part !== 'pairs' && !skipped.includes(part));
  const asked = answered.flatMap((part) => PARTS[part].ask(suite, model.grounding));
  const texts = asked.length === 0 ? new Map<AskedItem, string>() : await answersOf(model, asked, options);
  for (const [part, items] of groupBy(asked, (item) => item.part)) {
    const rows: AnsweredItem[] = [];
    for (const item of items) {
      const { id, kind, language, question, truth, picture: source } = item;
      const answer = texts.get(item)!;
      const score = await item.score(answer);
      rows.push({ kind, language, answer, score, group: source.name });
      answers.push({ part: item.part, id, kind, language, question, answer, truth, score, picture: source });
    }
    PARTS[part as AnsweredPart].count(rows, suite, found);
  }
  if (wanted.includes('pairs') && !skipped.includes('pairs')) {
    const tell = (done: number, total: number): void => {
      signal?.throwIfAborted();
      progress?.('vectors', done, total);
    };
    Object.assign(found.figures, await retrievePairs(model.embedding!, suite.pairs!, tell));
  }
  return { suite: suite.name, model: model.name, ...found, answers, skipped };
}

function canDo(model: EvaluatedModel, part: SuitePart): boolean {
  if (part === 'pairs') return model.embedding !== undefined;
  return model.answer !== undefined && (part !== 'phrases' || model.grounding !== undefined);
}

/** All that is asked about one picture is asked together, since looking at it costs more than a short answer. */
async function answersOf(
  model: EvaluatedModel,
  asked: readonly AskedItem[],
  { batch, blind, progress, signal }: SuiteOptions,
): Promise<Map<AskedItem, string>> {
  const places = new Map<SamplePicture, AskedItem[]>();
  for (const item of asked) places.set(item.picture, [...(places.get(item.picture) ?? []), item]);
  const ordered = [...places.values()].flat();
  const texts = await model.answer!(
    ordered.map(({ part, picture: source, question }) => ({
      picture: blind === true ? GREY : source,
      question,
      maxNewTokens: PARTS[part].tokens,
    })),
    {
      ...(batch === undefined ? {} : { batch }),
      ...(signal === undefined ? {} : { signal }),
      progress: (done) => progress?.('answers', done, ordered.length),
    },
  );
  return new Map(ordered.map((item, i) => [item, texts[i]!]));
}

const SIDE = 64;
const grey: Picture = picture(SIDE, SIDE, 3, new Uint8Array(SIDE * SIDE * 3).fill(128));
/** One picture for all, so that it is encoded once. */
const GREY: SamplePicture = { name: 'grey', open: () => grey };
