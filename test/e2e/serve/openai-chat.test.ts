/** Chat completions, asked by the `openai` package. */
import OpenAI, { BadRequestError, NotFoundError } from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { chatChunk, chatCompletion } from '../../../src/serve/openai/chat-answer.ts';
import { about, disc, starterServer } from './starter-server.ts';

const server = starterServer();
const BRIEF = { model: 'starter', max_tokens: 12, temperature: 0 } as const;

describe('chat completions by the openai package', () => {
  it('answers about a picture, with usage', async () => {
    const answer = await server().client.chat.completions.create({ ...BRIEF, messages: about(await disc()) });
    expect(chatCompletion.safeParse(answer).error).toBeUndefined();
    expect(answer.choices).toHaveLength(1);
    expect(answer.choices[0]!.message.content).toMatch(/red/);
    expect(answer.usage!.prompt_tokens).toBeGreaterThan(40);
    expect(answer.usage!.total_tokens).toBe(answer.usage!.prompt_tokens + answer.usage!.completion_tokens);
    expect(answer._request_id).toMatch(/^req/);
  });

  it('streams the same answer, the usage last', async () => {
    const { client } = server();
    const request = { ...BRIEF, messages: about(await disc()) };
    const whole = await client.chat.completions.create(request);
    const options = { stream: true, stream_options: { include_usage: true } } as const;
    let text = '';
    let finish: string | null = null;
    let usage: unknown;
    let count = 0;
    for await (const chunk of await client.chat.completions.create({ ...request, ...options })) {
      expect(chatChunk.safeParse(chunk).error).toBeUndefined();
      count++;
      text += chunk.choices[0]?.delta.content ?? '';
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    expect(count).toBeGreaterThan(3);
    expect(text).toBe(whole.choices[0]!.message.content);
    expect(finish).toBe(whole.choices[0]!.finish_reason);
    // The second time its beginning is known: whole blocks of 16 tokens, and never the last one.
    const known = 16 * Math.floor((whole.usage!.prompt_tokens - 1) / 16);
    expect(usage).toEqual({ ...whole.usage, prompt_tokens_details: { cached_tokens: known } });
  });

  it('streams through the helper, which puts the message together', async () => {
    const { client } = server();
    const request = { ...BRIEF, messages: about(await disc()), logprobs: true, top_logprobs: 2 };
    const stream = client.chat.completions.stream(request);
    const pieces: string[] = [];
    stream.on('content', (piece) => pieces.push(piece));
    const message = await stream.finalMessage();
    expect(message.content).toBe(pieces.join(''));
    const { choices } = await stream.finalChatCompletion();
    const whole = await client.chat.completions.create(request);
    expect(choices[0]!.logprobs?.content).toEqual(whole.choices[0]!.logprobs?.content);
  });

  it('gives log-probabilities whose bytes are the text', async () => {
    const answer = await server().client.chat.completions.create({
      ...BRIEF,
      messages: about(await disc()),
      logprobs: true,
      top_logprobs: 3,
    });
    const [choice] = answer.choices;
    const content = choice!.logprobs!.content!;
    expect(Buffer.from(content.flatMap(({ bytes }) => bytes!)).toString()).toBe(choice!.message.content);
    for (const { token, logprob, top_logprobs } of content) {
      expect(logprob).toBeLessThanOrEqual(0);
      expect(top_logprobs).toHaveLength(3);
      // Greedy: the token that was taken is the likeliest.
      expect(top_logprobs[0]!.token).toBe(token);
    }
  });

  it('keeps to a schema, and the helpers parse it', async () => {
    const { client } = server();
    const Thing = z.object({ colour: z.enum(['red', 'green', 'blue']), round: z.boolean() });
    const answer = await client.chat.completions.parse({
      ...BRIEF,
      max_tokens: 60,
      messages: about(await disc()),
      response_format: zodResponseFormat(Thing, 'thing'),
    });
    expect(Thing.safeParse(answer.choices[0]!.message.parsed).success).toBe(true);
    const any = await client.chat.completions.create({
      ...BRIEF,
      max_tokens: 1,
      messages: about(await disc()),
      response_format: { type: 'json_object' },
    });
    expect(any.choices[0]!.message.content).toMatch(/^\{/);
    expect(any.choices[0]!.finish_reason).toBe('length');
  });

  it('gives several answers, and the same ones for the same seed', async () => {
    const { client } = server();
    const request = { ...BRIEF, temperature: 2, seed: 7, n: 3, messages: about(await disc(), 'Describe it.') };
    const [first, second] = [
      await client.chat.completions.create(request),
      await client.chat.completions.create(request),
    ];
    const texts = first.choices.map(({ message }) => message.content);
    expect(texts).toHaveLength(3);
    expect(new Set(texts).size).toBeGreaterThan(1);
    expect(second.choices.map(({ message }) => message.content)).toEqual(texts);
    const streamed = ['', '', ''];
    for await (const { choices } of await client.chat.completions.create({ ...request, stream: true }))
      for (const { index, delta } of choices) streamed[index] += delta.content ?? '';
    expect(streamed).toEqual(texts);
  });

  it('ends before a stop text', async () => {
    const { client } = server();
    const request = { ...BRIEF, max_tokens: 40, messages: about(await disc(), 'Describe the picture.') };
    const text = (await client.chat.completions.create(request)).choices[0]!.message.content!;
    const stop = text.slice(4, 7);
    const stopped = await client.chat.completions.create({ ...request, stop: [stop] });
    expect(stopped.choices[0]!.message.content).toBe(text.slice(0, text.indexOf(stop)));
    expect(stopped.choices[0]!.finish_reason).toBe('stop');
  });

  it('answers wrong requests with the errors that the package knows', async () => {
    const { client } = server();
    const messages = [{ role: 'user', content: 'Hello' }] as const;
    const refused = async (body: object): Promise<InstanceType<typeof OpenAI.APIError>> => {
      try {
        await client.chat.completions.create({ ...BRIEF, messages: [...messages], ...body } as never);
      } catch (error) {
        return error as InstanceType<typeof OpenAI.APIError>;
      }
      throw new Error('it was answered');
    };
    const unknown = await refused({ model: 'nobody' });
    expect(unknown).toBeInstanceOf(NotFoundError);
    expect(unknown).toMatchObject({ code: 'model_not_found', param: 'model' });
    const tools = await refused({ tools: [{ type: 'function', function: { name: 'f' } }] });
    expect(tools).toBeInstanceOf(BadRequestError);
    expect(tools).toMatchObject({ code: 'unsupported_parameter', param: 'tools' });
    const role = await refused({ messages: [{ role: 'tool', content: 'x', tool_call_id: 'y' }] });
    expect(role).toMatchObject({ status: 400, param: 'messages[0].role' });
    const sound = await refused({ messages: [{ role: 'user', content: [{ type: 'input_audio' }] }] });
    expect(sound).toMatchObject({ status: 400, param: 'messages[0].content[0].type' });
    const remote = await refused({ messages: about('https://example.com/a.png') });
    expect(remote).toMatchObject({ status: 400, code: 'invalid_image', param: 'messages[0].content[0].image_url' });
    const broken = await refused({ messages: about('data:image/png;base64,AAAA') });
    expect(broken).toMatchObject({ status: 400, code: 'invalid_image' });
    const long = await refused({ messages: [{ role: 'user', content: 'red '.repeat(3000) }] });
    expect(long).toMatchObject({ status: 400, code: 'context_length_exceeded' });
    const schema = {
      type: 'json_schema',
      json_schema: { name: 'x', schema: { type: 'object', patternProperties: {} } },
    };
    expect(await refused({ response_format: schema })).toMatchObject({ status: 400, code: 'invalid_json_schema' });
    expect(await refused({ temperature: 9 })).toMatchObject({ status: 400, param: 'temperature' });
    // Streams are refused with a status too.
    expect(await refused({ stream: true, model: 'nobody' })).toMatchObject({ status: 404 });
    expect(server().problems).toEqual([]);
  });

  it('takes fields that it does not know, as clients send many', async () => {
    const answer = await server().client.chat.completions.create({
      ...BRIEF,
      messages: [{ role: 'developer', content: 'Be brief.' }, ...about(await disc())],
      store: true,
      user: 'somebody',
      metadata: { a: 'b' },
      tools: [],
      parallel_tool_calls: true,
      ...({ unheard_of: 1 } as object),
    });
    expect(answer.choices[0]!.message.content).toMatch(/\w/);
  });
});
