/** Text made safe for HTML, both between tags and in quoted attributes. Characters that no document may have are dropped. */
export function escapeHtml(text: string): string {
  return text
    .replace(FORBIDDEN, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

// Control characters except tab and line ends; half surrogates; marks that turn the direction of text after them.
const FORBIDDEN = /(?![\t\n\r])\p{Cc}|\p{Cs}|[\u202A-\u202E\u2066-\u2069]/gu;

/** A `lang` attribute where the language is a plain BCP 47 tag, else nothing. */
export function langAttribute(language: string): string {
  return /^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,4}$/.test(language) ? ` lang="${language}"` : '';
}

/** The address where it is one of https, else `undefined`: no other scheme gets into a link. */
export function safeUrl(url: string | undefined): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined;
  const parsed = new URL(url);
  return parsed.protocol === 'https:' ? parsed.href : undefined;
}

/** `0.834` → `83.4 %`, with a space that does not break. */
export function formatPercent(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(1)}\u00A0%` : '–';
}

/** Whole numbers with thin groups of three: `12 345` reads the same in every country. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, '\u202F');
}
