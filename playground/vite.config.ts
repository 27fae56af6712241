import { join } from 'node:path';
import { defineConfig } from 'vite';

/** The page, built into `dist/playground`. Addresses are relative, so that it may be served under a path of a proxy. */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  publicDir: 'public',
  // Nothing of the environment gets into the page.
  envPrefix: 'SENSORIUM_PLAYGROUND_',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: join(import.meta.dirname, '..', 'dist', 'playground'),
    emptyOutDir: true,
    target: 'es2022',
    // The policy of the page allows no picture or style within the document.
    assetsInlineLimit: 0,
    modulePreload: false,
    cssCodeSplit: false,
    reportCompressedSize: false,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  server: { proxy: { '/v1': 'http://127.0.0.1:8080' } },
});
