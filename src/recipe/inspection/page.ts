import { htmlDocument } from '../../eval/report/document.ts';
import { escapeHtml, formatCount } from '../../eval/report/html.ts';
import { pictureUrl } from '../../eval/report/png.ts';
import type { LossPiece } from '../doctor/loss-text.ts';
import type { ViewedConversation, ViewedPicture, ViewedSample } from './view.ts';

const STYLE = `
.samples{list-style:none;margin:44px 0 0;padding:0;display:grid;gap:36px}
.samples>li{display:grid;grid-template-columns:minmax(0,320px) minmax(0,1fr);gap:8px 32px;padding-top:28px;border-top:1px solid var(--hair)}
.samples h2{grid-column:1/-1;font-size:1rem}.samples h2 small{margin-left:10px}
.shown{position:relative;margin:0 0 14px}.shown img{display:block;width:100%;height:auto;border-radius:6px;background:var(--raised)}
.frame{position:relative}.frame svg{position:absolute;inset:0;width:100%;height:100%;overflow:visible}
.frame rect{fill:none;stroke-width:2;vector-effect:non-scaling-stroke}
.frame .b0{stroke:#e5484d}.frame .b1{stroke:#3a8bfd}.frame .b2{stroke:#30a46c}.frame .b3{stroke:#f5a524}.frame .b4{stroke:#a855f7}
.shown figcaption{font-size:.8125rem;color:var(--soft);margin-top:6px;overflow-wrap:anywhere}
.turns{margin:0 0 18px;display:grid;grid-template-columns:5.5rem minmax(0,1fr);gap:6px 14px}
.turns dt{color:var(--soft);font-size:.875rem;padding-top:.1em}.turns dd{margin:0;white-space:pre-wrap}
.tokens{margin:0 0 20px;padding:12px 14px;border-radius:8px;background:var(--raised);box-shadow:0 0 0 1px var(--hair);font:13px/1.6 var(--mono);white-space:pre-wrap;overflow-wrap:anywhere;color:var(--soft)}
.tokens b{font-weight:600;color:var(--good);text-decoration:underline;text-underline-offset:3px}.tokens i{font-style:normal;color:var(--accent)}
.problem{grid-column:1/-1;color:var(--bad);white-space:pre-wrap}
@media (max-width:640px){.samples>li{grid-template-columns:minmax(0,1fr)}}
`.trim();

/** What is shown above the samples. */
export interface InspectionHeading {
  /** Where the samples are. */
  readonly path: string;
  /** How many there are, of which some are shown. */
  readonly total: number;
  /** Whose tokens are shown. */
  readonly model?: string | undefined;
}

/** One self-contained page: thumbnails with boxes, turns, and which tokens are learned. @returns the whole document */
export async function inspectionPage(heading: InspectionHeading, samples: readonly ViewedSample[]): Promise<string> {
  const { path, total, model } = heading;
  const items = await Promise.all(samples.map(sampleItem));
  const tokens =
    model === undefined
      ? ''
      : ` Below each conversation stands what ${escapeHtml(model)} reads; tokens that are learned are <b>underlined</b>.`;
  return htmlDocument({ title: path, style: STYLE }, [
    '<header>',
    '<p class="eyebrow">Samples</p>',
    `<h1>${escapeHtml(path)}</h1>`,
    `<p class="lede">${formatCount(samples.length)} of ${formatCount(total)} samples.${tokens}</p>`,
    '</header>',
    `<main id="main"><ol class="samples">${items.join('')}</ol></main>`,
  ]);
}

async function sampleItem({ index, id, pictures, conversations, problem }: ViewedSample): Promise<string> {
  const figures = await Promise.all(pictures.map(pictureFigure));
  const heading = `<h2>${escapeHtml(id)}<small>#${index}</small></h2>`;
  const said = conversations.map(conversationBlock).join('');
  const wrong = problem === undefined ? '' : `<p class="problem" role="note">${escapeHtml(problem)}</p>`;
  return `<li>${heading}<div>${figures.join('')}</div><div>${said}</div>${wrong}</li>`;
}

async function pictureFigure(picture: ViewedPicture, number: number): Promise<string> {
  const { name, width, height, thumbnail, boxes } = picture;
  const { url } = await pictureUrl(thumbnail);
  const image = `<img src="${url}" width="${thumbnail.width}" height="${thumbnail.height}" alt="Picture ${number + 1}" loading="lazy">`;
  const caption = `<figcaption>${width} × ${height} · ${escapeHtml(name)}${
    boxes.length === 0 ? '' : ` · ${boxes.length} ${boxes.length === 1 ? 'box' : 'boxes'}`
  }</figcaption>`;
  return `<figure class="shown"><div class="frame">${image}${boxOverlay(boxes)}</div>${caption}</figure>`;
}

function boxOverlay(boxes: ViewedPicture['boxes']): string {
  if (boxes.length === 0) return '';
  const shapes = boxes.map(([left, top, right, bottom], i) => {
    const [x, y, width, height] = [left, top, right - left, bottom - top].map((side) => side.toFixed(5));
    return `<rect class="b${i % 5}" x="${x}" y="${y}" width="${width}" height="${height}"><title>box ${i + 1}</title></rect>`;
  });
  return `<svg viewBox="0 0 1 1" preserveAspectRatio="none" role="img" aria-label="${boxes.length} boxes">${shapes.join('')}</svg>`;
}

function conversationBlock({ turns, pieces }: ViewedConversation): string {
  const rows = turns.map(({ role, text }) => `<dt>${role}</dt><dd dir="auto">${escapeHtml(text)}</dd>`).join('');
  return `<dl class="turns">${rows}</dl>${pieces === undefined ? '' : tokenBlock(pieces)}`;
}

function tokenBlock(pieces: readonly LossPiece[]): string {
  const parts = pieces.map(({ text, tokens, kind }) => {
    if (kind === 'picture') return `<i>${escapeHtml(text)} × ${tokens}</i>`;
    return kind === 'learned' ? `<b>${escapeHtml(text)}</b>` : escapeHtml(text);
  });
  return `<p class="tokens">${parts.join('')}</p>`;
}
