/** `/v1/applications`: what the page and other clients need to offer the five applications. */
import { z } from 'zod';
import { type Application, APPLICATIONS, describe, type Texts } from '../../applications/index.ts';
import type { Route } from '../routes.ts';

const texts: z.ZodType<Texts> = z.object({ en: z.string(), zh: z.string() });

const applicationObject = z.object({
  id: z.string(),
  title: texts,
  description: texts,
  warning: texts.optional().describe('To be shown with every answer.'),
  system: texts,
  prompt: texts.describe('What the user adds comes after it, behind an empty line.'),
  input: texts.describe('What the user may add.'),
  schema: z.record(z.string(), z.unknown()).describe('JSON schema of the answer, for response_format.'),
  labels: z.record(z.string(), texts).describe('Names of the keys of answers.'),
  sample: z.object({ picture: z.string(), text: texts }),
});
const applicationList = z.object({ object: z.literal('list'), data: z.array(applicationObject) });

/** @param samplePicture gives the sample of an application as a data URL */
export function applicationRoutes(samplePicture: (application: Application) => Promise<string>): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/applications',
      summary: 'The applications: requests, forms of answers, warnings and samples.',
      response: applicationList,
      handle: async (c) => {
        const data = await Promise.all(APPLICATIONS.map(async (each) => describe(each, await samplePicture(each))));
        return c.json({ object: 'list', data });
      },
    },
  ];
}
