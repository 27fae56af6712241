import { escapeHtml } from './html.ts';
import { renderHeadline } from './tables.ts';
import { REPORT_STYLE } from './style.ts';
import type { HeadlineFigure } from './types.ts';

/** What a page may load and run: pictures and styles of its own, and nothing else, no scripts at all. */
const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** What is particular to a page. */
export interface DocumentHead {
  /** Escaped here. */
  readonly title: string;
  /** CSS besides that of all reports. */
  readonly style?: string;
  /** Text of a link to `#main`, for those who read with the keyboard. */
  readonly skip?: string;
}

/**
 * One self-contained HTML page: no scripts, no external files.
 * @param lines HTML of what stands above the footer
 * @returns the whole document
 */
export function htmlDocument({ title, style = '', skip }: DocumentHead, lines: readonly string[]): string {
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`,
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    '<meta name="referrer" content="no-referrer">',
    `<title>${escapeHtml(title)}</title>`,
    `<style>${REPORT_STYLE}${style}</style>`,
    '</head>',
    '<body>',
    ...(skip === undefined ? [] : [`<a class="skip" href="#main">${skip}</a>`]),
    '<div class="page">',
    ...lines,
    '<footer>Written by Sensorium. This file needs no network and holds no scripts.</footer>',
    '</div>',
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

/** A part of a page. Title and lead are not escaped: they are ours. */
export interface PageSection {
  readonly id: string;
  readonly title: string;
  readonly lead: string;
  /** HTML. */
  readonly body: string;
}

/** What stands above the sections. All of it is escaped. */
export interface PageHead {
  readonly title: string;
  readonly summary: string;
  readonly run: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly headline: readonly HeadlineFigure[];
}

/** A report as one HTML page, pictures and charts inside. @returns the whole document */
export function renderPage(head: PageHead, sections: readonly PageSection[]): string {
  const links = sections.map(({ id, title }) => `<li><a href="#${id}">${title}</a></li>`).join('');
  const bodies = sections.map(
    ({ id, title, lead, body }) =>
      `<section id="${id}" aria-labelledby="${id}-h"><h2 id="${id}-h">${title}</h2><p>${lead}</p>${body}</section>`,
  );
  return htmlDocument({ title: head.title, skip: 'Skip to the results' }, [
    '<header>',
    `<p class="eyebrow">${escapeHtml(head.run)} · <time datetime="${escapeHtml(head.createdAt)}">${escapeHtml(
      readableTime(head.createdAt),
    )}</time></p>`,
    `<h1>${escapeHtml(head.title)}</h1>`,
    `<p class="lede">${escapeHtml(head.summary)}</p>`,
    `<nav aria-label="Sections"><ul>${links}</ul></nav>`,
    '</header>',
    `<main id="main">${renderHeadline(head.headline)}`,
    ...bodies,
    '</main>',
  ]);
}

/** `2026-11-23T22:57:12Z` → `23 November 2026, 22:57 UTC`; anything else stays as it is. */
function readableTime(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' }).format(time);
  return `${day}, ${time.toISOString().slice(11, 16)} UTC`;
}
