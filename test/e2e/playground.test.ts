/** The playground in Chromium: every flow, against a server with canned answers. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { build } from '../../scripts/setup/steps.mjs';
import { chromiumPath, launch, open, type Opened, PHONE } from './playground/browser.ts';
import { fakeServer, type FakeServer } from './playground/fake-server.ts';
import { jpegWithPlace, png } from './playground/pictures.ts';

const skipped = chromiumPath === undefined;

describe.skipIf(skipped)('playground (skipped without Chromium: see scripts/browser-deps.mjs)', () => {
  let browser: Browser;
  let server: FakeServer;
  let opened: Opened;
  let square: Buffer;

  beforeAll(async () => {
    build();
    square = await png();
    [browser, server] = await Promise.all([launch(), fakeServer()]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
  afterEach(async () => {
    Object.assign(server, { failure: undefined, maps: true, pause: 0, answer: 'The picture shows a cat and a dog.' });
    const { problems, addresses } = opened;
    await opened.close();
    expect(problems).toEqual([]);
    // Nothing comes from elsewhere, and nothing goes there.
    const elsewhere = addresses.filter((address) => !/^(data|blob):/.test(address) && !address.startsWith(server.url));
    expect(elsewhere).toEqual([]);
  });

  const asked = (path: string): any => server.requests.findLast((request) => request.path === path)?.body;
  const start = async (options?: Parameters<typeof open>[2], view = ''): Promise<Page> => {
    opened = await open(browser, `${server.url}/${view}`, options);
    return opened.page;
  };
  const sample = (page: Page, name: string): Promise<void> =>
    page.getByRole('button', { name: `Sample drawing: ${name}` }).click();
  const addFiles = (page: Page, files: Parameters<ReturnType<Page['locator']>['setInputFiles']>[0]): Promise<void> =>
    page.locator('main > div:not([hidden]) input[type=file][multiple]').setInputFiles(files);

  it('answers about a sample, and shows where the model looked', async () => {
    const page = await start();
    await page.getByRole('heading', { name: 'Show it something.' }).waitFor();
    await sample(page, 'pets');
    await page.getByRole('button', { name: 'Describe the picture.' }).click();
    const answer = page.getByRole('group', { name: /arrow keys/ });
    await answer.getByText('cat').hover();
    await page.locator('canvas.heat').waitFor();
    expect(await page.locator('.looked').textContent()).toBe('cat');
    // "cat" is the fifth token, so its map is greatest in the fifth square: the left, in the second row of four.
    const bright = await page.locator('canvas.heat').evaluate((canvas: HTMLCanvasElement) => {
      const context = canvas.getContext('2d')!;
      const red = (x: number, y: number): number => context.getImageData(x, y, 1, 1).data[0]!;
      return [red(canvas.width / 8, (canvas.height * 3) / 8), red((canvas.width * 7) / 8, (canvas.height * 7) / 8)];
    });
    expect(bright[0]! - bright[1]!).toBeGreaterThan(150);

    // The maps came with the stream; nothing was asked for again.
    expect(asked('/v1/explain')).toBeUndefined();
    const { model, messages, sensorium, stream } = asked('/v1/chat/completions');
    expect({ model, sensorium, stream }).toEqual({
      model: 'starter',
      sensorium: { maps: true, whole: false },
      stream: true,
    });
    expect(messages[0].content[0].image_url.url).toMatch(/^data:image\/png;base64,/);

    // By keyboard, with words for those who do not see the map.
    await answer.focus();
    await page.keyboard.press('ArrowRight');
    expect(await page.locator('.looked').textContent()).toBe('The');
    await page.keyboard.press('End');
    expect(await page.getByRole('status').textContent()).toMatch(/“dog”: mostly the (left|right|middle|top|bottom)/);
    await page.keyboard.press('Escape');
    expect(await page.locator('canvas.heat').count()).toBe(0);

    // A second question goes with the first one and its answer, and the picture is sent once.
    await page.getByPlaceholder('What do you want to know?').fill('And what else?');
    await page.keyboard.press('Enter');
    await page.locator('.turn').nth(1).getByText('dog').waitFor();
    const second = asked('/v1/chat/completions').messages;
    expect(second.map(({ role }: { role: string }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(second[2].content).toBe('And what else?');
  });

  it('stops an answer', async () => {
    server.pause = 5000;
    const page = await start();
    await sample(page, 'fruit');
    await page.getByRole('button', { name: 'How many things are there?' }).click();
    await page.locator('.word').first().waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped.', { exact: true }).first().waitFor();
    expect(await page.locator('.word').count()).toBeLessThan(8);
    await page.getByRole('button', { name: 'Begin anew' }).click();
    expect(await page.locator('.turn').count()).toBe(0);
  });

  it('works maps out where none were streamed, by a chosen method, with curves of faithfulness', async () => {
    server.maps = false;
    const page = await start();
    await sample(page, 'tea');
    await page.getByRole('button', { name: 'What is in the picture?' }).click();
    await page.getByText('Why this answer?').waitFor();
    expect(asked('/v1/explain')).toBeUndefined();
    await page
      .getByRole('group', { name: /arrow keys/ })
      .getByText('cat')
      .click();
    await page.locator('canvas.heat').waitFor();
    expect(asked('/v1/explain').messages.at(-1)).toEqual({ role: 'assistant', content: server.answer });

    await page.getByText('Why this answer?').click();
    await page.getByLabel('Method').selectOption({ label: 'Occlusion' });
    await page.getByLabel(/how far the map can be believed/).check();
    await page.getByRole('button', { name: 'Draw maps' }).click();
    const curves = page.getByRole('img', { name: /Taking away|Showing/ });
    await curves.first().waitFor();
    expect(await curves.count()).toBe(2);
    expect(asked('/v1/explain')).toMatchObject({ method: 'occlusion', faithfulness: true });
    await page.getByRole('button', { name: 'Step 1: the cat is at the top left' }).hover();
    await page.locator('.boxes rect').first().waitFor();
    expect(await page.locator('canvas.heat').count()).toBe(1);
  });

  it('draws boxes: for a phrase, and those that the model writes', async () => {
    const page = await start();
    await sample(page, 'street');
    await page.getByLabel('Point at').fill('the red car');
    await page.getByRole('button', { name: 'Point', exact: true }).click();
    await page.locator('.boxes .over').waitFor();
    expect(asked('/v1/ground')).toMatchObject({ model: 'starter', phrase: 'the red car' });
    expect(await page.locator('.boxes .over').getAttribute('x')).toBe('0.5');
    expect(await page.locator('.found li').textContent()).toBe(
      'Box 1: from 50 % to 95 % across, from 40 % to 90 % down',
    );

    server.answer = 'It is here: <loc00><loc21><loc42><loc63>';
    await page.getByRole('button', { name: 'Draw a box around the stop sign.' }).click();
    await page.locator('.box-word').waitFor();
    expect(await page.locator('.box-word').textContent()).toBe('▢ 0, 33, 67, 100 %');
    await expect.poll(() => page.locator('.boxes .over').getAttribute('y')).toMatch(/^0\.33/);
  });

  it('takes pictures in by file, drop and paste, several at once, and strips what they say of place and camera', async () => {
    const page = await start();
    const photo = await jpegWithPlace();
    expect(photo.includes('SensoriumCam')).toBe(true);
    await addFiles(page, [
      { name: 'beach.jpg', mimeType: 'image/jpeg', buffer: photo },
      { name: 'square.png', mimeType: 'image/png', buffer: square },
    ]);
    await page.getByRole('button', { name: 'Show square.png' }).waitFor();
    const transfer = await page.evaluateHandle((base64) => {
      const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], 'given.png', { type: 'image/png' }));
      return transfer;
    }, square.toString('base64'));
    await page.locator('section.pictures').first().dispatchEvent('drop', { dataTransfer: transfer });
    await page.getByRole('button', { name: 'Show given.png' }).waitFor();
    await page.evaluate((clipboardData) => {
      document.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
    }, transfer);
    await expect.poll(() => page.locator('.thumbnail').count()).toBe(4);
    // A phone offers its camera for this one.
    expect(await page.locator('input[capture=environment]').count()).toBe(1);

    await page.getByRole('button', { name: 'Remove given.png' }).first().click();
    await page.getByPlaceholder('What do you want to know?').fill('What is this?');
    await page.keyboard.press('Enter');
    await page.locator('.word').first().waitFor();
    const sent = asked('/v1/chat/completions')
      .messages[0].content.slice(0, -1)
      .map(({ image_url: { url } }: any) => url);
    expect(sent).toHaveLength(3);
    const beach = Buffer.from(sent[0].split(',')[1], 'base64');
    expect(sent[0]).toMatch(/^data:image\/jpeg/);
    expect(beach.includes('SensoriumCam')).toBe(false);
    expect(beach.includes('Exif')).toBe(false);
    // The picture lay on its side, as its metadata said; it is sent upright.
    expect([
      beach.readUInt16BE(beach.indexOf('ffc0', 'hex') + 5),
      beach.readUInt16BE(beach.indexOf('ffc0', 'hex') + 7),
    ]).toEqual([48, 32]);
  });

  it('says what is wrong in words that help', async () => {
    const page = await start();
    await addFiles(page, { name: 'notes.png', mimeType: 'image/png', buffer: Buffer.from('no picture') });
    await page.getByText('notes.png cannot be read as a picture.').waitFor();
    await sample(page, 'pets');
    const ask = page.getByRole('button', { name: 'Describe the picture.' });
    server.failure = { status: 429, message: 'too many requests wait', retryAfter: 7 };
    await ask.click();
    await page.getByText('The server is busy. Try again in 7 s.').waitFor();
    server.failure = undefined;
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('.word').first().waitFor();
    server.failure = { status: 401, message: 'no key was given' };
    await ask.click();
    await page.getByText('This server asks for a key.').waitFor();
    await page.getByLabel('Key', { exact: true }).fill('secret');
    server.failure = undefined;
    await page.getByRole('button', { name: 'Use the key' }).click();
    await expect.poll(() => page.locator('.turn').last().locator('.word').count()).toBeGreaterThan(5);
  });

  it('puts two models beside each other', async () => {
    const page = await start({}, '#compare');
    await sample(page, 'garden');
    await page.getByRole('button', { name: 'Describe the picture.' }).click();
    const second = page.getByRole('region', { name: 'Second' });
    await second.getByText('dog').hover();
    await second.locator('canvas.heat').waitFor();
    const models = server.requests
      .filter(({ path }) => path === '/v1/chat/completions')
      .slice(-2)
      .map(({ body }) => body.model);
    expect(models.toSorted()).toEqual(['starter', 'starter:cups']);
    expect(await page.getByRole('region', { name: 'First' }).locator('canvas.heat').count()).toBe(0);
  });

  it('teaches names with a live curve, and the adapter can be chosen', async () => {
    server.pause = 60;
    const page = await start({}, '#teach');
    await addFiles(
      page,
      ['a.png', 'b.png'].map((name) => ({ name, mimeType: 'image/png', buffer: square })),
    );
    const labels = page.getByLabel('What it shows');
    await expect.poll(() => labels.count()).toBe(2);
    const begin = page.getByRole('button', { name: 'Begin to learn' });
    expect(await begin.isDisabled()).toBe(true);
    await labels.nth(0).fill('a red square');
    await labels.nth(1).fill('a small square');
    await begin.click();
    await page.getByRole('img', { name: /^Loss/ }).waitFor();
    await page.getByText('Learned. starter:mine can be chosen now.').first().waitFor();
    expect(asked('/v1/tunings')).toMatchObject({ model: 'starter', name: 'mine', seconds: 30 });
    expect(asked('/v1/tunings').examples.map(({ text }: { text: string }) => text)).toEqual([
      'a red square',
      'a small square',
    ]);
    await page.getByText('It names 2 of 2 of these pictures rightly now.').waitFor();
    await page.getByRole('button', { name: 'Try it' }).click();
    await page.getByRole('heading', { name: 'Look and ask' }).waitFor();
    expect(await page.getByRole('combobox', { name: 'Model', exact: true }).inputValue()).toBe('starter:mine');
  });

  it('cancels a tuning', async () => {
    server.pause = 10_000;
    const page = await start({}, '#teach');
    await addFiles(
      page,
      ['a.png', 'b.png'].map((name) => ({ name, mimeType: 'image/png', buffer: square })),
    );
    await page.getByLabel('What it shows').nth(1).fill('b');
    await page.getByLabel('What it shows').nth(0).fill('a');
    await page.getByRole('button', { name: 'Begin to learn' }).click();
    await page.getByText(/^Step 1/).waitFor();
    await page.getByRole('button', { name: 'Stop learning' }).click();
    await page.getByText('Stopped; nothing was kept.').first().waitFor();
    await expect.poll(() => server.requests.at(-1)!.path).toBe('/v1/tunings/tuning-1');
  });

  it('runs an application from its sample to a form, with its warning', async () => {
    const page = await start();
    await page.getByRole('link', { name: 'Customer support' }).click();
    await page.getByRole('button', { name: 'Use the sample' }).click();
    await page.locator('main > div:not([hidden]) .stage').waitFor();
    await page.getByRole('button', { name: 'Run' }).click();
    const result = page.getByRole('tabpanel', { name: 'Result' });
    await result.getByText('The mug has lost its handle.').waitFor();
    expect(await result.getByRole('columnheader').allTextContents()).toEqual(['Name', 'Broken']);
    expect(await result.getByText('What happened').count()).toBe(1);
    const { response_format: format, messages } = asked('/v1/chat/completions');
    expect(format).toMatchObject({ type: 'json_schema', json_schema: { name: 'support', strict: true } });
    expect(messages[0]).toEqual({ role: 'system', content: 'You help a shop.' });
    expect(messages[1].content.at(-1).text).toBe('Sort this request.\n\nMy mug is broken.');
    await page.getByRole('tab', { name: 'Result' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('tabpanel', { name: 'JSON' }).getByText('summary').waitFor();

    await page.getByRole('link', { name: 'Medical draft' }).click();
    await page.getByText('A draft for a doctor, not a diagnosis.', { exact: true }).first().waitFor();
  });

  it('speaks Chinese where the browser does, and either by choice', async () => {
    const page = await start({ locale: 'zh-CN' });
    await page.getByRole('heading', { name: '给它看点什么。' }).waitFor();
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('zh-CN');
    await page.getByRole('button', { name: '示例画：水果' }).click();
    server.answer = '图中有苹果和香蕉。';
    await page.getByRole('button', { name: '描述这张图片，说明颜色。' }).click();
    await page
      .getByRole('group', { name: /方向键/ })
      .getByText('苹')
      .waitFor();
    expect(await page.getByRole('link', { name: '客户支持' }).count()).toBe(1);
    await page.getByRole('button', { name: 'English' }).click();
    await page.getByRole('link', { name: 'Customer support' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Show it something.' }).waitFor();
  });

  it('follows the system’s colours, and either by choice', async () => {
    const page = await start({ colorScheme: 'dark' });
    const paper = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await paper();
    await page.getByLabel('Colours').selectOption('light');
    const light = await paper();
    expect(light).not.toBe(dark);
    await page.emulateMedia({ colorScheme: 'light' });
    expect(await paper()).toBe(light);
    await page.getByLabel('Colours').selectOption('dark');
    expect(await paper()).toBe(dark);
  });

  it('fits a phone: nothing is wider than the screen in any view', async () => {
    const page = await start({ viewport: PHONE, isMobile: true, hasTouch: true });
    await sample(page, 'pets');
    await page.getByRole('button', { name: 'Describe the picture.' }).tap();
    await page
      .getByRole('group', { name: /arrow keys/ })
      .getByText('cat')
      .tap();
    await page.locator('canvas.heat').waitFor();
    for (const view of ['look', 'compare', 'teach', 'support', 'medical']) {
      await page.evaluate((hash) => (location.hash = hash), view);
      await page.locator(`nav a[href="#${view}"][aria-current]`).waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth), view).toBe(PHONE.width);
    }
  });

  it('paints, and its policy forbids what comes from elsewhere', async () => {
    const page = await start();
    const sizes = await page.evaluate(async () => {
      // It may come after the elements are there.
      const paint = await new Promise<number>((resolve) => {
        new PerformanceObserver((list) => {
          const [first] = list.getEntriesByName('first-contentful-paint');
          if (first !== undefined) resolve(first.startTime);
        }).observe({ type: 'paint', buffered: true });
      });
      const { headers } = await fetch('/');
      return { paint, policy: headers.get('content-security-policy') };
    });
    const policy = sizes.policy!.split('; ');
    const wanted = [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' data: blob:",
      "connect-src 'self'",
    ];
    expect(policy).toEqual(expect.arrayContaining(wanted));
    expect(sizes.policy).not.toMatch(/unsafe|\*|https?:/);
    // How soon is measured by `sensorium bench playground`.
    expect(sizes.paint).toBeLessThan(Number.POSITIVE_INFINITY);
    const refused = await page.evaluate(async () => {
      try {
        await fetch('https://example.com/');
      } catch {
        return 'refused';
      }
      return 'sent';
    });
    expect(refused).toBe('refused');
    // Chromium tells of each refusal, which is what was wanted here.
    opened.problems.length = 0;
    opened.addresses.length = 0;
  });
});
