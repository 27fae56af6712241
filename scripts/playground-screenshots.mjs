/**
 * Pictures of the playground for the documentation: the built server with the starter, in a headless Chromium.
 * Chinese needs a font that has it, such as Debian's fonts-noto-cjk.
 *
 *     npm run build && node scripts/playground-screenshots.mjs [FOLDER]
 */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';
import sharp from 'sharp';
import { findChromium } from './setup/browser.mjs';
import { ROOT } from './setup/steps.mjs';

const folder = resolve(process.argv[2] ?? join(ROOT, 'docs', 'images'));
const DESK = { width: 1180, height: 800 };
const PHONE = { width: 360, height: 740 };
/** The machine may be busy. */
const PATIENCE = 180_000;

/** Each picture: how the page is opened, and what is done in it. */
const SHOTS = {
  'playground-empty': { do: async () => {} },
  'playground-look': { do: (page) => look(page, 0, 0) },
  'playground-look-dark-zh': {
    context: { locale: 'zh-CN', colorScheme: 'dark' },
    do: (page) => look(page, 1, 0),
  },
  'playground-phone': {
    context: { viewport: PHONE, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
    do: (page) => look(page, 1, 0),
  },
  'playground-point': {
    do: async (page) => {
      await page.locator('.samples button').nth(2).click();
      await page.locator('.point button').click();
      await page.locator('.found').waitFor();
    },
  },
  'playground-explain': {
    do: async (page) => {
      await look(page, 0, 0);
      await page.locator('.explain summary').click();
      await page.locator('.explain input[type=checkbox]').check();
      await page.locator('.explain .row button').click();
      await page.locator('.explain .charts').waitFor();
      await page.locator('.views button').first().hover();
    },
  },
  'playground-teach': {
    view: 'teach',
    do: async (page) => {
      const names = ['a tea table', 'a garden'];
      const files = await Promise.all(['table', 'garden'].map((name) => sharp(sample(name)).png().toBuffer()));
      await page
        .locator('.teach input[type=file][multiple]')
        .setInputFiles(files.map((buffer, i) => ({ name: `${i}.png`, mimeType: 'image/png', buffer })));
      for (const [i, name] of names.entries()) await page.locator('.examples input').nth(i).fill(name);
      await page.locator('.learning select').selectOption('15');
      await page.locator('.learning .main').click();
      await page.locator('.done').waitFor();
    },
  },
  'playground-compare': {
    view: 'compare',
    // With the adapter that was taught for the picture before.
    do: async (page) => {
      await page.locator('.compare .samples button').nth(4).click();
      await page.locator('.compare .suggestions button').first().click();
      await page.locator('.column .explain').nth(1).waitFor();
    },
  },
  'playground-application': { view: 'support', do: (page) => apply(page) },
  'playground-medical-zh': { view: 'medical', context: { locale: 'zh-CN' }, do: (page) => apply(page) },
};

function sample(name) {
  return join(ROOT, 'playground', 'public', 'samples', `${name}.svg`);
}

/** Asks a sample's question and holds a word of the answer. */
async function look(page, sampleNumber, question) {
  await page.locator('.samples button').nth(sampleNumber).click();
  await page.locator('.suggestions button').nth(question).click();
  await page.locator('.explain').waitFor();
  // A name tells most; where the model gave none of these, a word in the middle.
  const words = page.locator('.answer .word');
  const named = words.filter({ hasText: /ball|lemon|apple|tangerine|柠|苹|橘/ });
  const word = (await named.count()) > 0 ? named.first() : words.nth(Math.floor((await words.count()) / 2));
  await word.click();
  await page.locator('canvas.heat').waitFor();
}

async function apply(page) {
  await page.locator('.application .side > button').click();
  await page.locator('.application .stage').waitFor();
  await page.locator('.application .work .main').click();
  await page.locator('.application .form').waitFor();
}

/** The server as users start it. @returns its address and what ends it */
async function serve() {
  const command = [join(ROOT, 'dist', 'src', 'cli', 'main.js'), 'serve', '--port', '0', '--no-log'];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  for await (const chunk of child.stdout) {
    said += chunk;
    const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said);
    if (found !== null) return { url: found[0], end: () => child.kill('SIGTERM') };
  }
  throw new Error(`the server ended: ${said}`);
}

mkdirSync(folder, { recursive: true });
const server = await serve();
const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox'] });
try {
  const wanted = process.env.SHOTS?.split(',') ?? Object.keys(SHOTS);
  for (const name of wanted) {
    const { context: options = {}, view = '', do: act } = SHOTS[name];
    const context = await browser.newContext({ viewport: DESK, locale: 'en-GB', colorScheme: 'light', ...options });
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    await page.goto(`${server.url}/#${view}`);
    await page.locator('.top nav a').nth(3).waitFor();
    try {
      await act(page);
    } catch (error) {
      console.error(`${name}: ${error.message}`);
      process.exitCode = 1;
    }
    if (!options.isMobile) await page.evaluate(() => scrollTo(0, 0));
    const shot = await page.screenshot({ animations: 'disabled' });
    // Few colours are enough, and a quarter of the bytes.
    const { size } = await sharp(shot)
      .png({ palette: true, colours: 160, effort: 10 })
      .toFile(join(folder, `${name}.png`));
    console.log(`${name}.png ${Math.round(size / 1000)} kB`);
    await context.close();
  }
} finally {
  await browser.close();
  server.end();
}
