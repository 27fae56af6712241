/** The playground with the real server and the starter: what the page asks for is what the server gives. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt, temporaryFolder } from './cli.ts';
import { chromiumPath, launch, open } from './playground/browser.ts';
import { png } from './playground/pictures.ts';
import { type ServerProcess, startServer } from './serve/server-process.ts';

const scratch = temporaryFolder();
/** Learning takes 15 seconds at least, and the machine may be busy. */
const PATIENCE = 100_000;

describe.skipIf(chromiumPath === undefined)('playground with the starter (skipped without Chromium)', () => {
  let browser: Browser;
  let server: ServerProcess;

  beforeAll(async () => {
    ensureBuilt();
    server = await startServer(['--no-log'], { folder: scratch.path });
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    server?.child.kill('SIGTERM');
    scratch.remove();
  });

  const opened = async (view: string, use: (page: Page) => Promise<void>): Promise<void> => {
    const { page, problems, close } = await open(browser, `${server.url}/#${view}`);
    page.setDefaultTimeout(PATIENCE);
    try {
      await use(page);
      expect(problems).toEqual([]);
      expect(await page.locator('.failure').allTextContents()).toEqual([]);
    } finally {
      await close();
    }
  };

  it('answers with maps, explains with curves, and points', () =>
    opened('look', async (page) => {
      await page.getByRole('button', { name: 'Sample drawing: fruit' }).click();
      await page.getByRole('button', { name: 'Describe the picture with colours.' }).click();
      await page.getByText('Why this answer?').waitFor();
      const words = page.locator('.answer .word');
      expect(await words.count()).toBeGreaterThan(2);
      const explanations = page.waitForRequest('**/v1/explain', { timeout: 2000 }).catch(() => undefined);
      await words.nth(1).click();
      await page.locator('canvas.heat').waitFor();
      // The maps came with the words.
      expect(await explanations).toBeUndefined();

      await page.getByText('Why this answer?').click();
      await page.getByLabel(/how far the map can be believed/).check();
      await page.getByRole('button', { name: 'Draw maps' }).click();
      await page.getByRole('img', { name: /Showing what counts most/ }).waitFor();

      await page.getByLabel('Point at').fill('the banana');
      await page.getByRole('button', { name: 'Point', exact: true }).click();
      await page.locator('.found').waitFor();
    }));

  it.each(['support', 'education', 'medical', 'design', 'driving'])('fills in the form of %s', (application) =>
    opened(application, async (page) => {
      await page.getByRole('button', { name: 'Use the sample' }).click();
      await page.locator('main > div:not([hidden]) .stage').waitFor();
      await page.getByRole('button', { name: 'Run' }).click();
      await page.getByRole('tabpanel', { name: 'Result' }).locator('dl').first().waitFor();
    }),
  );

  it('learns, and the adapter answers beside the model', () =>
    opened('teach', async (page) => {
      const buffer = await png();
      const files = ['a.png', 'b.png'].map((name) => ({ name, mimeType: 'image/png', buffer }));
      await page.locator('.teach input[type=file][multiple]').setInputFiles(files);
      await page.getByLabel('What it shows').nth(1).fill('a flag');
      await page.getByLabel('What it shows').nth(0).fill('a flag');
      await page.getByLabel('Time to learn').selectOption('15');
      await page.getByRole('button', { name: 'Begin to learn' }).click();
      await page.getByRole('img', { name: /^Loss/ }).waitFor();
      await page.getByRole('button', { name: 'Compare before and after' }).click();
      await page
        .getByRole('region', { name: 'Second' })
        .getByText('starter:mine')
        .first()
        .waitFor({ state: 'attached' });
      await page.locator('.compare input[type=file][multiple]').setInputFiles(files[0]!);
      await page.locator('.compare textarea').fill('What is this?');
      await page.keyboard.press('Enter');
      await page.locator('.column .explain').nth(1).waitFor();
      expect(await page.locator('.column').nth(1).locator('.answer').textContent()).toMatch(/flag/i);
    }));
});
