/** Serves the playground, a handful of files that are all in memory, with a policy that keeps the page to this server. */

/** A file of the page. */
export interface PageFile {
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same bytes, compressed by gzip. */
  readonly zipped: Uint8Array<ArrayBuffer>;
  /** Changes with the contents. */
  readonly tag: string;
}

/** Files by their path from the root of the page, `index.html` and `assets/…`. */
export type PageFiles = ReadonlyMap<string, PageFile>;

/**
 * What the page may load and send: scripts and styles of its own, pictures of its own and those that it holds in memory,
 * requests to this server. No other page may show it in a frame.
 */
export const PAGE_POLICY: string = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Names of built files hold a hash of what is in them, so they never change. */
const LASTING = 'public, max-age=31536000, immutable';

/**
 * Answers a request for a file of the page.
 * @returns nothing where there is no such file, or the request is none for a file
 */
export function answerPage(files: PageFiles, request: Request): Response | undefined {
  if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
  const path = new URL(request.url).pathname.slice(1) || 'index.html';
  const file = files.get(path);
  if (file === undefined) return undefined;
  const headers = new Headers({
    'Content-Type': file.type,
    'Content-Security-Policy': PAGE_POLICY,
    'Cache-Control': path.startsWith('assets/') ? LASTING : 'no-cache',
    ETag: file.tag,
    Vary: 'Accept-Encoding',
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    // A phone's camera comes through a file input, which needs none of these.
    'Permissions-Policy': 'camera=(), microphone=(), geolocation=()',
  });
  if (request.headers.get('if-none-match') === file.tag) return new Response(null, { status: 304, headers });
  const zip = /\bgzip\b/.test(request.headers.get('accept-encoding') ?? '');
  if (zip) headers.set('Content-Encoding', 'gzip');
  const bytes = zip ? file.zipped : file.bytes;
  headers.set('Content-Length', String(bytes.length));
  return new Response(request.method === 'HEAD' ? null : bytes, { headers });
}
