/** Answers that are thought through, in a form that can be checked step by step. */
import type { Language } from '../emoji/concepts.ts';
import type { SamplePart } from '../samples.ts';
import type { SceneStep } from './question.ts';

/** `Step 1: … . Step 2: … . Answer: …`, `第1步：…。第2步：…。答案：…`. */
export function writeSteps(steps: readonly SceneStep[], conclusion: string, language: Language): string {
  return language === 'zh'
    ? `${steps.map(({ text }, i) => `第${i + 1}步：${text}。`).join('')}答案：${conclusion}`
    : `${steps.map(({ text }, i) => `Step ${i + 1}: ${text}. `).join('')}Answer: ${conclusion}`;
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

/** Takes such an answer apart, or gives nothing where it has another form. Steps must be numbered from 1 without a gap. */
export function readSteps(answer: string): ReadSteps | undefined {
  const text = answer.trim();
  const end = /(?:Answer:|答案[:：])\s*([^]*)$/.exec(text);
  if (end === null) return undefined;
  const steps: string[] = [];
  const parts = text.slice(0, end.index).split(/(?:Step\s+(\d+):|第\s*(\d+)\s*步[:：])/);
  if (parts[0]!.trim() !== '') return undefined;
  for (let i = 1; i < parts.length; i += 3) {
    if (Number(parts[i] ?? parts[i + 1]) !== steps.length + 1) return undefined;
    steps.push(parts[i + 2]!.trim().replace(/[.。]$/, ''));
  }
  return { steps, conclusion: end[1]!.trim() };
}
