/** A server with the starter on loopback, and a picture to ask about. */
import OpenAI from 'openai';
import sharp from 'sharp';
import { afterAll, beforeAll } from 'vitest';
import { createServer, type SensoriumServer } from '../../../src/serve/index.ts';
import { listen, type Listening, openPool, pictureReader } from '../../../src/serve/node/index.ts';

export interface StarterServer {
  readonly server: SensoriumServer;
  readonly listening: Listening;
  readonly client: OpenAI;
  /** What was told to the log. */
  readonly problems: unknown[];
}

export function starterServer(): () => StarterServer {
  let started: StarterServer | undefined;
  beforeAll(async () => {
    const pool = await openPool([{ name: 'starter', source: 'starter' }], []);
    const problems: unknown[] = [];
    const server = createServer({
      pool,
      openPicture: pictureReader(),
      guards: { observer: { failed: (_, cause) => problems.push(cause) } },
    });
    const listening = await listen(server, { port: 0 });
    const client = new OpenAI({ baseURL: `${listening.url}/v1`, apiKey: 'none', maxRetries: 0 });
    started = { server, listening, client, problems };
  });
  afterAll(async () => {
    await started?.listening.drain(1);
    await started?.server.services.pool.dispose();
  });
  return () => started!;
}

/** A red disc on white, as a data URL. */
export async function disc(colour = '#d22'): Promise<string> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="112" height="112"><circle cx="56" cy="56" r="40" fill="${colour}"/></svg>`;
  const png = await sharp(Buffer.from(svg)).flatten({ background: '#fff' }).png().toBuffer();
  return `data:image/png;base64,${png.toString('base64')}`;
}

/** What a request has whose answer takes all tokens that it may, whatever the model would say: there is no shorter one. */
export const LONG = {
  max_tokens: 900,
  temperature: 1,
  seed: 3,
  response_format: {
    type: 'json_schema',
    json_schema: { name: 'long', schema: { type: 'array', items: { type: 'boolean' }, minItems: 1000 } },
  },
};

/** A question about a picture, as a user's message. */
export function about(url: string, text = 'What colour is it?'): OpenAI.ChatCompletionMessageParam[] {
  return [
    {
      role: 'user',
      content: [
        { type: 'image_url', image_url: { url } },
        { type: 'text', text },
      ],
    },
  ];
}
