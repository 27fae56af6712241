import { Random } from '../../core/index.ts';
import { onBackground } from '../../data/index.ts';
import type { SuiteResult, SuiteSummary } from '../../eval/index.ts';
import { renderSuitePage, type ShownAnswer } from '../../eval/report/index.ts';
import type { OpenSuites } from './suites.ts';

const SHOWN = 40;

/** The report of an evaluation. @returns an HTML document */
export async function evaluationPage(
  summary: SuiteSummary & { readonly seconds: number },
  { answers }: SuiteResult,
  { about, licences, caveats }: OpenSuites,
): Promise<string> {
  const wrong = answers.filter(({ score }) => score < 0.5);
  new Random(0).shuffle(wrong);
  const mistakes: ShownAnswer[] = [];
  for (const { picture, kind, language, question, answer, truth } of wrong.slice(0, SHOWN)) {
    const { width, height, data } = onBackground(await picture.open());
    mistakes.push({
      picture: { width, height, data },
      kind,
      question: { text: question, language },
      answer,
      truth,
      right: false,
    });
  }
  const facts = Object.entries({ model: summary.model, suite: summary.suite, ...about, seconds: summary.seconds });
  return renderSuitePage({
    summary,
    createdAt: new Date().toISOString(),
    mistakes,
    facts: [{ title: 'Evaluation', facts: facts.map(([label, value]) => ({ label, value: String(value) })) }],
    licences,
    caveats,
  });
}
