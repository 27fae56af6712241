import type { Random } from '../../core/index.ts';
import type { Language } from '../emoji/concepts.ts';
import type { RelativeBox, SamplePart, SampleTurn } from '../samples.ts';
import type { Scene } from './scene.ts';
import type { SceneVocabulary } from './vocabulary.ts';

/** What may be asked about a scene. */
export const QUESTION_KINDS = [
  'existence', 'kind', 'colour', 'count', 'comparison', 'position', 'reading', 'grounding', 'region', 'naming', 'caption',
  'steps', 'instruction',
] as const; // prettier-ignore
export type QuestionKind = (typeof QUESTION_KINDS)[number];

/** The kinds whose answer is a word or two that is right or wrong. */
export const VQA_KINDS: readonly QuestionKind[] = [
  'existence',
  'kind',
  'colour',
  'count',
  'comparison',
  'position',
  'reading',
];

/** One step of an answer that is thought through. */
export interface SceneStep {
  /** As it is written in the answer, e.g. `animals: top left, center`. */
  readonly text: string;
  /** What it finds: places, a number, a name or a word, by themselves. */
  readonly finds: string;
}

/** A question with its answer, and what is needed to judge another answer. */
export interface SceneQuestion {
  readonly kind: QuestionKind;
  /** The form of the question within its kind, e.g. `which` or `yes-no`. */
  readonly form: string;
  readonly language: Language;
  /** What is asked, without the picture. */
  readonly question: readonly SamplePart[];
  readonly answer: readonly SamplePart[];
  /** The answer's text; empty where it is a box. */
  readonly text: string;
  /** What is to be pointed at, e.g. `the red cup`. */
  readonly phrase?: string;
  /** The box that is asked for or asked about. */
  readonly box?: RelativeBox;
  /** All answers that the question allows, where they are few. */
  readonly options?: readonly string[];
  /** Names of the drawings that the answer speaks of, as in {@link text}. */
  readonly names?: readonly string[];
  /** The steps that lead to the conclusion, and the conclusion by itself. */
  readonly steps?: readonly SceneStep[];
  readonly conclusion?: string;
}

/** What a maker of questions gets. */
export interface Asking {
  readonly scene: Scene;
  readonly language: Language;
  readonly random: Random;
  readonly vocabulary: SceneVocabulary;
}

/** Makes a question of its kind, or nothing where the scene allows none that is beyond doubt. */
export type Asker = (asking: Asking) => SceneQuestion | undefined;

/** `{}` in a template stands for the words, one after the other. */
export function fillIn(template: string, ...words: readonly string[]): string {
  let next = 0;
  return template.replaceAll('{}', () => words[next++] ?? '');
}

export function textParts(text: string): readonly SamplePart[] {
  return [{ type: 'text', text }];
}

export const YES_NO: Readonly<Record<Language, readonly [yes: string, no: string]>> = {
  en: ['yes', 'no'],
  zh: ['是', '否'],
};

/** A question and an answer in words. */
export function inWords(
  kind: QuestionKind,
  form: string,
  language: Language,
  question: string,
  text: string,
  more: Partial<SceneQuestion> = {},
): SceneQuestion {
  return { kind, form, language, question: textParts(question), answer: textParts(text), text, ...more };
}

/** The question as a short conversation about its picture. */
export function asConversation({ question, answer }: SceneQuestion): readonly SampleTurn[] {
  return [
    { role: 'user', content: [{ type: 'image', picture: 0 }, ...question] },
    { role: 'assistant', content: answer },
  ];
}

/** Names as a list: `a, b and c`, `甲、乙和丙`. */
export function listOf(words: readonly string[], language: Language): string {
  const [comma, and] = language === 'zh' ? ['、', '和'] : [', ', ' and '];
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(comma)}${and}${words.at(-1)!}`;
}
