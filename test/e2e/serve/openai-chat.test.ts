/** Chat completions, asked by the `openai` package. */
import { describe, expect, it } from 'vitest';
import { disc, starterServer } from './starter-server.ts';

const server = starterServer();

const about = (url: string, text = 'What colour is it?') => [
  {
    role: 'user' as const,
    content: [
      { type: 'image_url' as const, image_url: { url } },
      { type: 'text' as const, text },
    ],
  },
];

describe('chat completions by the openai package', () => {
  it('answers about a picture, with usage', async () => {
    const { client } = server();
    const answer = await client.chat.completions.create({
      model: 'starter',
      messages: about(await disc()),
      max_tokens: 12,
      temperature: 0,
    });
    expect(answer.object).toBe('chat.completion');
    expect(answer.choices).toHaveLength(1);
    expect(answer.choices[0]!.message.content).toMatch(/\w/);
    expect(answer.usage!.prompt_tokens).toBeGreaterThan(40);
    expect(answer.usage!.total_tokens).toBe(answer.usage!.prompt_tokens + answer.usage!.completion_tokens);
    expect(answer._request_id).toMatch(/^req_/);
  });

  it('streams the same answer, the usage last', async () => {
    const { client } = server();
    const request = { model: 'starter', messages: about(await disc()), max_tokens: 12, temperature: 0 };
    const whole = await client.chat.completions.create(request);
    const stream = await client.chat.completions.create({
      ...request,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let finish: string | null = null;
    let usage: unknown;
    let count = 0;
    for await (const chunk of stream) {
      count++;
      text += chunk.choices[0]?.delta.content ?? '';
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    expect(count).toBeGreaterThan(3);
    expect(text).toBe(whole.choices[0]!.message.content);
    expect(finish).toBe(whole.choices[0]!.finish_reason);
    expect(usage).toEqual(whole.usage);
  });
});
