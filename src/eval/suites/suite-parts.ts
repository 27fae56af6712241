/** The parts of a suite that are answered in words: what is asked, when an answer is right, and which figures come of it. */
import { groupBy } from '../../core/index.ts';
import type { SamplePicture } from '../../data/index.ts';
import type { Grounding } from '../../models/index.ts';
import { isRight, plainAnswer, softAccuracy } from './answers.ts';
import { boxText, intersectionOverUnion, relativeBox } from './boxes.ts';
import { type Figure, macroFigure, meanFigure, type ScoredItem } from './figures.ts';
import { captionScore } from './mentions.ts';
import type { PictureSuite, SuitePart } from './picture-suite.ts';

export type AnsweredPart = Exclude<SuitePart, 'pairs'>;

/** An item before its answer is there. */
export interface AskedItem {
  readonly part: AnsweredPart;
  readonly id: string;
  readonly kind: string;
  readonly language: string;
  readonly picture: SamplePicture;
  readonly question: string;
  readonly truth: string;
  /** @returns 0 to 1 */
  score(answer: string): number | Promise<number>;
}

/** The same with its answer. */
export interface AnsweredItem extends ScoredItem {
  readonly kind: string;
  readonly language: string;
  readonly answer: string;
}

/** Figures by name, as they come together. */
export interface Figures {
  readonly figures: Record<string, Figure>;
  /** Accuracy of the questions of each kind. */
  readonly kinds: Record<string, Figure>;
  /** Macro-average over kinds of the questions in each language. */
  readonly languages: Record<string, Figure>;
}

interface Part {
  /** Most tokens of an answer. */
  readonly tokens: number;
  ask(suite: PictureSuite, grounding: Grounding | undefined): AskedItem[];
  /** @param items in the order in which they were asked, at least one */
  count(items: readonly AnsweredItem[], suite: PictureSuite, into: Figures): void;
}

/** Smallest overlap of a box that counts as found. */
const OVERLAP = 0.5;

const questions: Part = {
  tokens: 24,
  ask: (suite) =>
    suite.questions!.map((item) => ({
      ...item,
      part: 'questions',
      truth: item.answers[0]!,
      score: (answer) =>
        item.people === true ? softAccuracy(answer, item.answers) : Number(isRight(answer, item.answers)),
    })),
  count: (items, _, { figures, kinds, languages }) => {
    const byKind = groupBy(items, ({ kind }) => kind);
    figures['vqa'] = macroFigure(byKind);
    for (const [kind, rows] of byKind) kinds[kind] = meanFigure(rows);
    for (const [language, rows] of groupBy(items, (row) => row.language))
      languages[language] = macroFigure(groupBy(rows, ({ kind }) => kind));
  },
};

const phrases: Part = {
  tokens: 64,
  ask: (suite, grounding) =>
    suite.phrases!.map(({ phrase, boxes, ...item }) => ({
      ...item,
      part: 'phrases',
      kind: 'grounding',
      question: grounding!.question(phrase),
      truth: boxText(boxes),
      score: async (answer) => {
        // The reader may want to know the size of the picture as it was given.
        const shown = await item.picture.open();
        const first = grounding!.read(answer, shown).boxes[0];
        if (first === undefined) return 0;
        const box = relativeBox(first, shown);
        return Number(boxes.some((truth) => intersectionOverUnion(box, truth) >= OVERLAP));
      },
    })),
  count: (items, _, { figures }) => {
    figures['grounding@0.5'] = meanFigure(items);
  },
};

const names: Part = {
  tokens: 24,
  ask: (suite) =>
    suite.names!.map((item) => ({
      ...item,
      part: 'names',
      kind: 'naming',
      truth: item.name,
      score: (answer) => Number(isRight(answer, [item.name])),
    })),
  count: (items, _, { figures }) => {
    for (const [language, rows] of groupBy(items, (row) => row.language))
      figures[`naming-${language}`] = meanFigure(rows);
  },
};

const steps: Part = {
  tokens: 128,
  ask: (suite) => {
    const split = suite.splitSteps ?? ((answer: string) => answer.split('\n'));
    const plain = (parts: readonly string[]): string =>
      parts
        .map(plainAnswer)
        .filter((part) => part !== '')
        .join('\n');
    return suite.steps!.map((item) => ({
      ...item,
      part: 'steps',
      kind: 'steps',
      truth: item.parts.join('\n'),
      score: (answer) => Number(plain(split(answer)) === plain(item.parts)),
    }));
  },
  count: (items, _, { figures }) => {
    figures['steps-all-right'] = meanFigure(items);
  },
};

const captions: Part = {
  tokens: 96,
  ask: (suite) =>
    suite.captions!.map((item) => ({
      ...item,
      part: 'captions',
      kind: 'caption',
      truth: item.text ?? item.shown.join(', '),
      score: (answer) => captionScore(namedBy(suite, item.language, answer), item.shown).f1,
    })),
  count: (items, suite, { figures }) => {
    figures['caption-object-f1'] = meanFigure(items);
    const absences = items.flatMap(({ answer, language, group }, i): ScoredItem[] => {
      const { absent, named } = captionScore(namedBy(suite, language, answer), suite.captions![i]!.shown);
      return Array.from({ length: named }, (__, n) => ({ group, score: Number(n < absent) }));
    });
    // A model that names nothing says nothing wrong, which is no figure.
    if (absences.length > 0) figures['chair-i'] = meanFigure(absences);
  },
};

function namedBy(suite: PictureSuite, language: string, caption: string): readonly string[] {
  return suite.namedIn?.[language]?.(caption) ?? [];
}

export const PARTS: Readonly<Record<AnsweredPart, Part>> = { questions, phrases, names, steps, captions };
