/** The playground for everyone: axe finds nothing wrong, in both languages, light and dark, on a desk and on a phone. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { build } from '../../scripts/setup/steps.mjs';
import { chromiumPath, DESKTOP, launch, open, PHONE, violations } from './playground/browser.ts';
import { fakeServer, type FakeServer } from './playground/fake-server.ts';
import { png } from './playground/pictures.ts';

/** Each language with each colour scheme on each screen. */
const WAYS = (['en-GB', 'zh-CN'] as const).flatMap((locale) =>
  (['light', 'dark'] as const).flatMap((colorScheme) =>
    [DESKTOP, PHONE].map((viewport) => ({ locale, colorScheme, viewport })),
  ),
);

describe.skipIf(chromiumPath === undefined)('access to the playground (skipped without Chromium)', () => {
  let browser: Browser;
  let server: FakeServer;

  beforeAll(async () => {
    build();
    [browser, server] = await Promise.all([launch(), fakeServer()]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  /** Views with all their parts on show. */
  const views: Record<string, (page: Page) => Promise<void>> = {
    empty: async () => {},
    look: async (page) => {
      await page.locator('.samples button').first().click();
      await page.locator('.suggestions button').first().click();
      await page.locator('.explain summary').click();
      await page.locator('.explain input[type=checkbox]').check();
      await page.locator('.explain .row button').click();
      await page.locator('.explain .charts').waitFor();
      await page.locator('.point button').click();
      await page.locator('.found').waitFor();
      await page.locator('.answer .word').first().click();
      await page.locator('canvas.heat').waitFor();
    },
    compare: async (page) => {
      await page.locator('.compare .samples button').first().click();
      await page.locator('.compare .suggestions button').first().click();
      await page.locator('.column .explain').nth(1).waitFor();
    },
    teach: async (page) => {
      const buffer = await png();
      const files = ['a.png', 'b.png'].map((name) => ({ name, mimeType: 'image/png', buffer }));
      await page.locator('.teach input[type=file][multiple]').setInputFiles(files);
      for (const i of [0, 1]) await page.locator('.examples input').nth(i).fill('x');
      await page.locator('.learning .main').click();
      await page.locator('.done').waitFor();
    },
    support: async (page) => {
      await page.locator('.application:visible .side > button').click();
      await page.locator('.application:visible .stage').waitFor();
      await page.locator('.application:visible .work .main').click();
      await page.locator('.application:visible .form').first().waitFor();
    },
    medical: async (page) => {
      server.failure = { status: 500, message: 'the model failed' };
      await page.locator('.application:visible .work textarea').fill('A cough.');
      await page.locator('.application:visible .work .main').click();
      await page.locator('.application:visible .failure').first().waitFor();
    },
  };

  it.each(WAYS)('$locale, $colorScheme, $viewport.width pixels', async (way) => {
    const { page, close } = await open(browser, server.url, way);
    try {
      for (const [view, show] of Object.entries(views)) {
        if (view !== 'empty') await page.evaluate((hash) => (location.hash = hash), view);
        await page.locator(`nav a[href="#${view === 'empty' ? 'look' : view}"][aria-current]`).waitFor();
        await show(page);
        expect(await violations(page), view).toEqual([]);
      }
    } finally {
      server.failure = undefined;
      await close();
    }
  });

  it('is worked by keyboard alone: what is reached first, and where the focus goes', async () => {
    const { page, close } = await open(browser, server.url);
    try {
      const focused = (): Promise<string> =>
        page.evaluate(() => document.activeElement!.getAttribute('aria-label') ?? document.activeElement!.textContent!);
      await page.keyboard.press('Tab');
      expect(await focused()).toBe('Skip to the content');
      await page.keyboard.press('Enter');
      expect(await page.evaluate(() => document.activeElement!.id)).toBe('content');
      await page.keyboard.press('Tab');
      expect(await focused()).toBe('Sample drawing: pets');
      await page.keyboard.press('Enter');
      await page.locator('.stage').waitFor();
      await page.getByPlaceholder('What do you want to know?').focus();
      await page.keyboard.type('Describe the picture.');
      await page.keyboard.press('Enter');
      await page.getByText('Why this answer?').waitFor();
      await expect
        .poll(() => page.getByRole('status').textContent())
        .toBe('The model answered: The picture shows a cat and a dog.');
    } finally {
      await close();
    }
  });
});
