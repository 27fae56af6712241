import { expect, it } from 'vitest';
import { samplePicture } from '../../../../src/applications/node/index.ts';
import { applicationRoutes, createServer, ModelPool } from '../../../../src/serve/index.ts';

it('tells all that a page needs to offer the five applications', async () => {
  const { app } = createServer({
    pool: new ModelPool(),
    openPicture: () => Promise.reject(new Error('not asked')),
    routes: applicationRoutes(samplePicture),
  });
  const response = await app.request('/v1/applications');
  expect(response.status).toBe(200);
  const body = await response.text();
  expect(body.length).toBeLessThan(200_000);
  const { object, data } = JSON.parse(body) as { object: string; data: Record<string, any>[] };
  expect(object).toBe('list');
  expect(data.map(({ id }) => id)).toEqual(['support', 'education', 'medical', 'design', 'driving']);
  for (const { title, prompt, system, schema, sample, warning } of data) {
    for (const texts of [title, prompt, system, sample.text]) expect(Object.keys(texts)).toEqual(['en', 'zh']);
    expect(sample.picture).toMatch(/^data:image\/png;base64,[A-Za-z0-9+/]+=*$/);
    expect(schema).toMatchObject({ type: 'object', additionalProperties: false });
    if (warning !== undefined) expect(schema.properties.warning.enum).toEqual([warning.en, warning.zh]);
  }
  expect(data.filter(({ warning }) => warning !== undefined).map(({ id }) => id)).toEqual(['medical', 'driving']);
});
