/** The page at `/`: files that were built once, and nothing from elsewhere. */
import type { ServeContext } from './context.ts';

/** A file of the page. */
export interface PageFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same packed by gzip, where that is smaller. */
  readonly packed?: Uint8Array<ArrayBuffer>;
  readonly type: string;
  readonly etag: string;
  /** Whether its name changes with its contents. */
  readonly lasting: boolean;
}

/** Files by path, such as `index.html` and `assets/index-1a2b3c.js`. */
export type PageFiles = ReadonlyMap<string, PageFile>;

/**
 * Scripts and styles come from this server alone, and pictures besides from what the page itself was given; no frame holds
 * it, no form leaves it, and it may ask nobody else.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const NOT_BUILT = `Sensorium answers here, at /v1 as OpenAI's interface has it; /openapi.json describes it.
The page that belongs to it is not built. Build it with: npm run build
`;

export function pageFile(c: ServeContext, files: PageFiles): Response | Promise<Response> {
  const path = c.req.path === '/' ? 'index.html' : c.req.path.slice(1);
  const file = files.get(path);
  if (file === undefined) {
    return path === 'index.html' ? c.text(NOT_BUILT) : c.notFound();
  }
  const headers: Record<string, string> = {
    'Content-Security-Policy': POLICY,
    'Permissions-Policy': 'camera=(self), microphone=(), geolocation=(), payment=(), usb=()',
    'X-Frame-Options': 'DENY',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cache-Control': file.lasting ? 'public, max-age=31536000, immutable' : 'no-cache',
    ETag: file.etag,
    Vary: 'Accept-Encoding',
  };
  if (c.req.header('if-none-match') === file.etag) return new Response(null, { status: 304, headers });
  const packed = /\bgzip\b/.test(c.req.header('accept-encoding') ?? '') ? file.packed : undefined;
  return new Response(packed ?? file.bytes, {
    headers: { ...headers, 'Content-Type': file.type, ...(packed === undefined ? {} : { 'Content-Encoding': 'gzip' }) },
  });
}
