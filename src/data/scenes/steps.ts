/** Answers that are thought through, in a form that can be checked step by step. */
import type { Language } from '../emoji/concepts.ts';
import type { SamplePart } from '../samples.ts';
import type { SceneStep } from './question.ts';

/** `…. …. Answer: …`, `…。…。答案：…`: what numbers of steps would add is two fifths of such an answer, and nothing that is found. */
export function writeSteps(steps: readonly SceneStep[], conclusion: string, language: Language): string {
  return language === 'zh'
    ? `${steps.map(({ text }) => `${text}。`).join('')}答案：${conclusion}`
    : `${steps.map(({ text }) => `${text}. `).join('')}Answer: ${conclusion}`;
}

/** What {@link writeSteps} writes, as a part of a turn that says where it finds something. */
export function stepsPart(
  steps: readonly SceneStep[],
  conclusion: string,
  language: Language,
): Extract<SamplePart, { type: 'text' }> {
  const text = writeSteps(steps, conclusion, language);
  const findings: (readonly [number, number])[] = [];
  let at = 0;
  for (const step of steps) {
    at = text.indexOf(step.text, at) + step.text.length;
    // What compares numbers says them once more.
    const finds = step.text.endsWith(step.finds) ? step.finds : step.text;
    findings.push([at - finds.length, at]);
  }
  findings.push([text.length - conclusion.length, text.length]);
  return { type: 'text', text, findings };
}

/** What {@link readSteps} found. */
export interface ReadSteps {
  /** Texts of the steps in their order. */
  readonly steps: readonly string[];
  readonly conclusion: string;
}

/** Between two sentences; `Mrs. Claus` is not two. */
const SENTENCE_END = /(?<=\.(?<!\b(?:Mrs?|Dr|St)\.))\s+|(?<=。)/u;
/** Pattern of what a step is numbered by: `Step 1:`, as other models write, and 第1步：. @param number pattern of the number itself */
export const stepNumber = (number: string = String.raw`\d+`): string =>
  String.raw`(?:Step\s+${number}:|第\s*${number}\s*步[:：])`;
/** Pattern of what stands before the conclusion. */
export const BEFORE_CONCLUSION: string = '(?:Answer:|答案[:：])';
const NUMBER = new RegExp(`^${stepNumber('(\\d+)')}\\s*`, 'u');
const BEFORE_NUMBER = new RegExp(`\\s*(?=${stepNumber()})`, 'u');
const CONCLUSION = new RegExp(`${BEFORE_CONCLUSION}\\s*([^]*)$`, 'u');

/**
 * Takes such an answer apart, or gives nothing where it has another form. Where steps are numbered, they must be so from 1 without
 * a gap, and may have several sentences.
 */
export function readSteps(answer: string): ReadSteps | undefined {
  const text = answer.trim();
  const end = CONCLUSION.exec(text);
  if (end === null) return undefined;
  const said = text.slice(0, end.index).trim();
  const isNumbered = BEFORE_NUMBER.test(said);
  const parts = said === '' ? [] : said.split(isNumbered ? BEFORE_NUMBER : SENTENCE_END);
  const numberOf = (part: string): number => {
    const found = NUMBER.exec(part);
    return Number(found?.[1] ?? found?.[2]);
  };
  if (isNumbered && !parts.every((part, i) => numberOf(part) === i + 1)) return undefined;
  const steps = parts.map((part) =>
    part
      .replace(NUMBER, '')
      .replace(/[.。]$/u, '')
      .trim(),
  );
  return { steps, conclusion: end[1]!.trim() };
}
