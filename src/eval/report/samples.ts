import { PICTURE_URL } from '../../data/picture-url.ts';
import { isRight } from '../suites/answers.ts';
import { escapeHtml } from './html.ts';
import type { ReportSample } from './types.ts';

/** Questions as cards: picture, question, the right answer, and what was written to it at several steps of the run. */
export function renderSamples(samples: readonly ReportSample[]): string {
  if (samples.length === 0) return '<p class="empty">Nothing was written yet.</p>';
  return `<ol class="samples">${samples.map(card).join('')}</ol>`;
}

function card({ picture, question, expected, answers }: ReportSample): string {
  const image =
    picture !== undefined && PICTURE_URL.test(picture) ? `<img src="${picture}" alt="" decoding="async">` : '';
  const truth =
    expected === undefined ? '' : `<p class="truth">right: <b${lang(expected)}>${escapeHtml(expected)}</b></p>`;
  const rows = answers.map(({ from, to, text }) => {
    const right = expected === undefined ? undefined : isRight(text, [expected]);
    const mark = right === undefined ? '' : ` class="${right ? 'right' : 'wrong'}"`;
    const sign = right === undefined ? '' : `<span aria-hidden="true">${right ? '✓' : '✗'}</span> `;
    const shown = text.trim() === '' ? '<i>nothing</i>' : escapeHtml(text);
    return `<tr><th scope="row">${from === to ? from : `${from} – ${to}`}</th><td${mark}${lang(text)}>${sign}${shown}</td></tr>`;
  });
  return `<li>${image}<div><blockquote${lang(question)} dir="auto">${escapeHtml(question)}</blockquote>${truth}<table><thead><tr><th scope="col">step</th><th scope="col">answer</th></tr></thead><tbody>${rows.join(
    '',
  )}</tbody></table></div></li>`;
}

/** Chinese letters need Chinese glyphs; nothing is known of other languages. */
function lang(text: string): string {
  return /\p{Script=Han}/u.test(text) ? ' lang="zh-Hans"' : '';
}
