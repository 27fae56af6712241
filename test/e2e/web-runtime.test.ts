import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { basename, dirname, extname, join } from 'node:path';
import { build } from 'esbuild';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRuntime } from '../../src/runtime/node/index.ts';
import { hostTensor } from '../../src/core/index.ts';
import { model, spec } from '../unit/runtime/onnx-model.ts';

const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';

/** What 100 steps of the page's program give on the CPU of Node. */
async function expected(): Promise<Float32Array> {
  const runtime = await createRuntime({ threads: 1 });
  const program = await runtime.compile(
    model({
      inputs: [spec('x', [4, 4]), spec('w', [4, 4])],
      outputs: [spec('next', [4, 4])],
      nodes: [
        { op: 'MatMul', inputs: ['x', 'w'], outputs: ['xw'] },
        { op: 'Tanh', inputs: ['xw'], outputs: ['next'] },
      ],
    }),
  );
  const values = (of: (i: number) => number) =>
    hostTensor(
      'float32',
      [4, 4],
      Float32Array.from({ length: 16 }, (_, i) => of(i)),
    );
  const x = await runtime.allocate(
    'float32',
    [4, 4],
    values((i) => Math.cos(i)),
  );
  const w = await runtime.allocate(
    'float32',
    [4, 4],
    values((i) => Math.sin(i * 7) / 2),
  );
  for (let step = 0; step < 100; step++) await program.run({ x, w }, { next: x });
  const { data } = await x.read();
  await runtime.dispose();
  return data as Float32Array;
}

describe.skipIf(!existsSync(CHROMIUM))('runtime in a browser (skipped without Chromium: set CHROMIUM_PATH)', () => {
  let server: Server;
  let browser: Browser;
  let origin: string;
  let script: string;

  beforeAll(async () => {
    const bundle = await build({
      entryPoints: [join(import.meta.dirname, 'web-runtime.page.ts')],
      bundle: true,
      format: 'esm',
      platform: 'browser',
      write: false,
      logLevel: 'error',
    });
    script = bundle.outputFiles[0]!.text;
    const engine = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
    server = createServer((request, response) => {
      const name = basename(new URL(request.url!, 'http://localhost').pathname);
      const types: Record<string, string> = {
        '.js': 'text/javascript',
        '.mjs': 'text/javascript',
        '.wasm': 'application/wasm',
      };
      if (name === '') response.setHeader('content-type', 'text/html').end('<!doctype html>');
      else if (name === 'page.js') response.setHeader('content-type', 'text/javascript').end(script);
      else {
        readFile(join(engine, name)).then(
          (data) => response.setHeader('content-type', types[extname(name)] ?? 'text/plain').end(data),
          () => response.writeHead(404).end(),
        );
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--enable-unsafe-webgpu', '--enable-features=Vulkan', '--use-webgpu-adapter=swiftshader'],
    });
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  it('takes nothing of Node into its bundle', () => {
    expect(script).not.toMatch(/from\s*"(node:|koffi|onnxruntime-node)/);
  });

  it.each(['wasm', 'webgpu'] as const)(
    '%s gives the results of Node',
    async (device) => {
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(String(error)));
      await page.goto(origin);
      await page.addScriptTag({ url: `${origin}/page.js`, type: 'module' });
      const result = (await page.evaluate(
        ([name, paths]) =>
          (globalThis as unknown as { exercise(device: string, paths: string): Promise<unknown> }).exercise(
            name!,
            paths!,
          ),
        [device, `${origin}/`],
      )) as Record<string, unknown>;
      expect(result).toMatchObject({
        device,
        backend: 'web',
        ids: ['5', '-6'],
        sum: [2, 4, 6],
        refused: 'ShapeError',
        afterwards: 0,
      });
      expect(result['version']).toMatch(/^onnxruntime-web 1\./);
      for (const [i, value] of (await expected()).entries()) expect((result['x'] as number[])[i]).toBeCloseTo(value, 5);
      expect(errors).toEqual([]);
    },
    120_000,
  );
});
