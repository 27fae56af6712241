import { escapeHtml, formatPercent, langAttribute } from './html.ts';
import { pictureUrl } from './png.ts';
import type { AttentionExample, Mistake, ReportPicture, ReportText } from './types.ts';

/** Wrong answers as cards: picture, statement, what was said with which probability, and the truth. */
export async function renderMistakes(mistakes: readonly Mistake[]): Promise<string> {
  if (mistakes.length === 0) return '<p class="empty">There were no mistakes to show.</p>';
  const cards = mistakes.map(
    async (mistake) =>
      `<li><figure>${await image(mistake.picture, mistake.pictureText)}<figcaption>${quote(mistake.statement)}${verdict(
        mistake,
      )}${mistake.note === undefined ? '' : `<p class="note">${escapeHtml(mistake.note)}</p>`}</figcaption></figure></li>`,
  );
  return `<ol class="cards">${(await Promise.all(cards)).join('')}</ol>`;
}

/** Statements with one heatmap per word, and the legend of their colours. */
export async function renderAttention(
  examples: readonly AttentionExample[],
  heatColours: Uint8Array | undefined,
): Promise<string> {
  if (examples.length === 0) return '<p class="empty">There are no attention maps to show.</p>';
  const parts = examples.map(async (example) => {
    const lang = langAttribute(example.statement.language);
    const words = example.words.map(
      async ({ word, picture }) =>
        `<li><figure>${await image(picture, `Attention of “${word}” over the picture`)}<figcaption${lang}>${escapeHtml(
          word,
        )}</figcaption></figure></li>`,
    );
    return `<article class="attention"><figure>${await image(
      example.picture,
      example.pictureText,
    )}<figcaption>${quote(example.statement)}${verdict(example)}</figcaption></figure><ol>${(
      await Promise.all(words)
    ).join('')}</ol></article>`;
  });
  return `${colourLegend(heatColours)}${(await Promise.all(parts)).join('')}`;
}

/** What was said or asked, in its language. */
export function quote({ text, language }: ReportText): string {
  return `<blockquote${langAttribute(language)} dir="auto">${escapeHtml(text)}</blockquote>`;
}

function verdict(answer: { predicted: string; truth: string; probability: number }): string {
  const right = answer.predicted === answer.truth;
  const share = Math.min(1, Math.max(0, Number.isFinite(answer.probability) ? answer.probability : 0));
  const said = `<span class="${right ? 'right' : 'wrong'}"><span aria-hidden="true">${right ? '✓' : '✗'}</span> ${escapeHtml(
    answer.predicted,
  )}</span>`;
  const truth = right ? '' : `<p class="truth">truth: <b>${escapeHtml(answer.truth)}</b></p>`;
  return `<p class="verdict">${said}<span class="probability">${formatPercent(
    answer.probability,
  )}</span></p><div class="meter ${right ? 'right' : 'wrong'}" aria-hidden="true"><i style="width:${(
    100 * share
  ).toFixed(1)}%"></i></div>${truth}`;
}

/** @param text what the picture shows, for those who do not see it */
export async function image(picture: ReportPicture, text: string): Promise<string> {
  const { url, width, height } = await pictureUrl(picture);
  return `<img src="${url}" width="${width}" height="${height}" alt="${escapeHtml(text)}" decoding="async">`;
}

/** A strip of the heatmaps' colours, from least to greatest. */
function colourLegend(colours: Uint8Array | undefined): string {
  if (colours === undefined || colours.length < 6) return '';
  const count = Math.floor(colours.length / 3);
  const stops: string[] = [];
  for (let i = 0; i < 16; i++) {
    const at = 3 * Math.round((i * (count - 1)) / 15);
    stops.push(`rgb(${colours[at]} ${colours[at + 1]} ${colours[at + 2]})`);
  }
  return `<p class="scale"><span>least attention</span><i style="background:linear-gradient(90deg,${stops.join(
    ',',
  )})" aria-hidden="true"></i><span>most</span></p>`;
}
