/** The playground in Chromium, with a record of all that goes wrong in it and all that it asks for. */
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { findChromium } from '../../../scripts/setup/browser.mjs';

export const chromiumPath: string | undefined = findChromium();

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath!, args: ['--no-sandbox'] });
}

export const DESKTOP = { width: 1280, height: 860 };
export const PHONE = { width: 360, height: 740 };

export interface Opened {
  readonly page: Page;
  /** Errors of scripts, of the console (which tells of a broken policy too) and failed requests. */
  readonly problems: string[];
  /** Addresses of all requests. */
  readonly addresses: string[];
  readonly close: () => Promise<void>;
}

export async function open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await browser.newContext({ viewport: DESKTOP, locale: 'en-GB', ...options });
  const page = await context.newPage();
  const problems: string[] = [];
  const addresses: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    // Answers of 400 and above are wanted where a test makes them.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      problems.push(message.text());
  });
  page.on('request', (request) => addresses.push(request.url()));
  await page.goto(url);
  await page
    .getByRole('combobox', { name: /^(Model|模型)$/ })
    .first()
    .waitFor();
  return { page, problems, addresses, close: () => context.close() };
}

/** What axe finds wrong, one line each. */
export async function violations(page: Page): Promise<string[]> {
  const { violations: found } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .analyze();
  return found.map(
    ({ id, nodes }) =>
      `${id}: ${nodes.map(({ target, failureSummary }) => `${target.join(' ')} (${failureSummary})`).join('; ')}`,
  );
}
