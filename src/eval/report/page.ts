import { renderChart } from './chart.ts';
import { closingSections } from './closing.ts';
import { type PageSection, renderPage } from './document.ts';
import { renderAttention, renderMistakes } from './pictures.ts';
import { renderSamples } from './samples.ts';
import { renderAccuracy, renderConfusion } from './tables.ts';
import type { TrainingReport } from './types.ts';

/**
 * One self-contained HTML page: no scripts, no external files, pictures and charts inside. Sections without contents are
 * left out, except accuracy where a test was to be made: its absence a reader should notice.
 * @returns the whole document
 * @throws DataError when counts or pictures of the report cannot be
 */
export async function renderReport(report: TrainingReport): Promise<string> {
  const sections = await renderSections(report);
  return renderPage(report, sections);
}

async function renderSections(report: TrainingReport): Promise<PageSection[]> {
  const sections: PageSection[] = [];
  if (report.accuracy) {
    sections.push({
      id: 'accuracy',
      title: 'Accuracy',
      lead: 'How often the answer was right on data that no training step has seen, overall and by what was asked.',
      body: renderAccuracy(report.accuracy, report.chance),
    });
  }
  if (report.confusion) {
    sections.push({
      id: 'confusion',
      title: 'Confusion',
      lead: 'Which answers were taken for which.',
      body: renderConfusion(report.confusion),
    });
  }
  if (report.charts.length > 0) {
    sections.push({
      id: 'curves',
      title: 'Learning curves',
      lead: 'What happened while the model learned.',
      body: `<div class="charts">${report.charts.map((chart, i) => renderChart(chart, `chart-${i}`)).join('')}</div>`,
    });
  }
  if (report.samples) {
    sections.push({
      id: 'samples',
      title: 'What it wrote',
      lead: 'Answers to the same questions at several steps, the first ones above.',
      body: renderSamples(report.samples),
    });
  }
  if (report.mistakes) {
    sections.push({
      id: 'mistakes',
      title: 'Most confident mistakes',
      lead: 'Wrong answers that the model was surest of. They say more about a model than its right ones.',
      body: await renderMistakes(report.mistakes),
    });
  }
  if (report.attention && report.attention.length > 0) {
    sections.push({
      id: 'attention',
      title: 'Where the words look',
      lead:
        'Weights of the cross-attention from each word to the patches of the picture, averaged over heads. Attention shows ' +
        'what was read, not why an answer was given.',
      body: await renderAttention(report.attention, report.heatColours),
    });
  }
  sections.push(...closingSections(report));
  return sections;
}
