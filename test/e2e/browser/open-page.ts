// A page with the web build of the engine, served on 127.0.0.1 and opened in a headless Chromium.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, extname, join, normalize } from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium, type Page } from 'playwright-core';
import { findChromium } from '../../../scripts/setup/browser.mjs';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** Chromium's software Vulkan device, as Debian packages it. */
const SOFTWARE = '/usr/lib/chromium/vk_swiftshader_icd.json';

const FLAGS = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
  '--ignore-gpu-blocklist',
];

export interface OpenPage {
  readonly page: Page;
  /** What the page wrote to its console, for messages of failures. */
  readonly console: readonly string[];
  close(): Promise<void>;
}

/** The Chromium that is there, if any. */
export const chromiumPath: string | undefined = findChromium();

/** Bundles `page.ts`, serves it with the engine's files, and opens it. */
export async function openPage(): Promise<OpenPage> {
  const folder = await mkdtemp(join(tmpdir(), 'sensorium-page-'));
  await build({
    entryPoints: [fileURLToPath(new URL('page.ts', import.meta.url))],
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    outdir: folder,
    logLevel: 'error',
  });
  const engine = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname);
    if (path === '/') {
      response
        .setHeader('content-type', 'text/html')
        .end('<!doctype html><title>test</title><script type="module" src="/page.js"></script>');
      return;
    }
    const file = path.startsWith('/ort/') ? join(engine, path.slice(5)) : join(folder, path);
    readFile(file).then(
      (bytes) => response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream').end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({
    executablePath: chromiumPath!,
    headless: true,
    args: FLAGS,
    env: { ...process.env, ...(existsSync(SOFTWARE) ? { VK_ICD_FILENAMES: SOFTWARE } : {}) } as Record<string, string>,
  });
  const page = await browser.newPage();
  const lines: string[] = [];
  page.on('console', (message) => lines.push(message.text()));
  page.on('pageerror', (error) => lines.push(String(error)));
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await page.waitForFunction(() => 'train' in globalThis);
  return {
    page,
    console: lines,
    async close() {
      await browser.close();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
