/** A tuning from the request to the answer of what was learned, with a small model and within this process. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { load } from '../../../../src/auto/node/index.ts';
import { openPicture } from '../../../../src/data/node/index.ts';
import { teachLesson } from '../../../../src/recipe/node/index.ts';
import { createServer, ModelPool, TuningDesk, tuningRoutes } from '../../../../src/serve/index.ts';
import { openTutor } from '../../../../src/serve/node/index.ts';
import { llavaFolder } from '../../../llava-folder.ts';
import { temporaryFolder } from '../../hub/node/temporary.ts';

const scratch = temporaryFolder();
const folder = join(scratch, 'adapters');

async function grey(level: number): Promise<string> {
  const data = new Uint8Array(24 * 24 * 3).fill(level);
  const png = await sharp(data, { raw: { width: 24, height: 24, channels: 3 } })
    .png()
    .toBuffer();
  return `data:image/png;base64,${png.toString('base64')}`;
}

it('serves what a model learned, beside the model itself', async () => {
  const source = await llavaFolder(join(scratch, 'model'));
  const pool = new ModelPool();
  await pool.add('small', await load(source, { threads: 1 }));
  const tutor = await openTutor({ folder, threads: 1, teach: teachLesson });
  const problems: unknown[] = [];
  const desk = new TuningDesk({ pool, tutor, onProblem: (_, cause) => problems.push(cause) });
  const { app } = createServer({ pool, openPicture: (url) => openPicture(url), routes: tuningRoutes(desk) });
  const post = (path: string, body: object): Response | Promise<Response> =>
    app.request(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  try {
    const examples = [
      { image: await grey(20), text: 'a dark square' },
      { image: await grey(230), text: 'a bright square' },
    ];
    const taken = await post('/v1/tunings', { model: 'small', name: 'squares', seconds: 3, examples });
    expect(taken.status).toBe(202);
    const { id } = (await taken.json()) as { id: string };
    const told = await (await app.request(`/v1/tunings/${id}/events`)).text();
    expect(problems).toEqual([]);
    expect(told.match(/^event: \w+/gm)!.slice(0, 3)).toEqual(['event: queued', 'event: started', 'event: progress']);
    expect(told).toMatch(/event: done\ndata: \{"type":"done","model":"small:squares","steps":\d+,/);
    expect(readdirSync(folder)).toEqual(['small']);
    expect(readdirSync(join(folder, 'small', 'squares')).sort()).toEqual([
      'adapter_config.json',
      'adapter_model.safetensors',
    ]);
    const ask = async (model: string): Promise<string> => {
      const content = [
        { type: 'image_url', image_url: { url: examples[0]!.image } },
        { type: 'text', text: 'What is this?' },
      ];
      const body = { model, messages: [{ role: 'user', content }], max_tokens: 8, temperature: 0 };
      const answer = await post('/v1/chat/completions', body);
      expect(answer.status).toBe(200);
      return ((await answer.json()) as any).choices[0].message.content;
    };
    const before = await ask('small');
    expect(await ask('small:squares')).not.toBe(before);
    expect(await ask('small')).toBe(before);
  } finally {
    await desk.close();
    await tutor.dispose();
    await pool.dispose();
  }
  expect(readdirSync(folder)).toEqual(['small']);
});
