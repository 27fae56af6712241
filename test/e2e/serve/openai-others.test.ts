/** Responses, embeddings and models, asked by the `openai` package, and what stands beside OpenAI's interface. */
import { zodTextFormat } from 'openai/helpers/zod';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { applicationOf, schemaOf } from '../../../src/applications/index.ts';
import { explanation } from '../../../src/serve/explain/explain.ts';
import { chatChunk } from '../../../src/serve/openai/chat-answer.ts';
import { embeddingsList } from '../../../src/serve/openai/embeddings.ts';
import { modelList } from '../../../src/serve/openai/models.ts';
import { responseObject } from '../../../src/serve/openai/responses-answer.ts';
import { classification } from '../../../src/serve/pictures/classify.ts';
import { grounding } from '../../../src/serve/pictures/ground.ts';
import { about, disc, starterServer } from './starter-server.ts';

const server = starterServer();
const BRIEF = { model: 'starter', max_output_tokens: 16, temperature: 0 } as const;

const input = async () => [
  {
    role: 'user' as const,
    content: [
      { type: 'input_image' as const, image_url: await disc(), detail: 'auto' as const },
      { type: 'input_text' as const, text: 'What colour is it?' },
    ],
  },
];

describe('responses by the openai package', () => {
  it('answers about a picture', async () => {
    const answer = await server().client.responses.create({
      ...BRIEF,
      input: await input(),
      instructions: 'Be brief.',
    });
    expect(responseObject.safeParse(answer).error).toBeUndefined();
    expect(answer.output_text).toMatch(/red/);
    expect(answer.status).toBe('completed');
    expect(answer.usage!.total_tokens).toBe(answer.usage!.input_tokens + answer.usage!.output_tokens);
  });

  it('streams the same through the helper', async () => {
    const { client } = server();
    const request = { ...BRIEF, input: await input(), include: ['message.output_text.logprobs' as const] };
    const whole = await client.responses.create(request);
    const stream = client.responses.stream(request);
    let text = '';
    const types: string[] = [];
    const numbers: number[] = [];
    for await (const event of stream) {
      types.push(event.type);
      numbers.push(event.sequence_number);
      if (event.type === 'response.output_text.delta') text += event.delta;
    }
    const final = await stream.finalResponse();
    expect(final.output_text).toBe(whole.output_text);
    expect(text).toBe(whole.output_text);
    const known = 16 * Math.floor((whole.usage!.input_tokens - 1) / 16);
    expect(final.usage).toEqual({ ...whole.usage, input_tokens_details: { cached_tokens: known } });
    expect(final.output[0]).toMatchObject({ content: [{ logprobs: expect.arrayContaining([expect.anything()]) }] });
    expect(numbers).toEqual(numbers.map((_, i) => i));
    expect(types.slice(0, 4)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
    ]);
    expect(types.slice(-4)).toEqual([
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
  });

  it('keeps to a schema, and says when there was no room for the end', async () => {
    const { client } = server();
    const Colour = z.object({ colour: z.enum(['red', 'green', 'blue']) });
    const text = { format: zodTextFormat(Colour, 'colour') };
    const answer = await client.responses.parse({ ...BRIEF, max_output_tokens: 40, input: await input(), text });
    expect(Colour.safeParse(answer.output_parsed).success).toBe(true);
    const cut = await client.responses.create({ ...BRIEF, max_output_tokens: 2, input: await input(), text });
    expect(cut).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });
  });

  it('goes on with a conversation that the client keeps', async () => {
    const { client } = server();
    const first = await client.responses.create({ ...BRIEF, input: await input() });
    const again = await client.responses.create({
      ...BRIEF,
      input: [...(await input()), ...first.output, { role: 'user', content: 'How many are there?' }] as never,
    });
    expect(again.output_text).toMatch(/\w/);
  });

  it('refuses what would need a memory', async () => {
    const { client } = server();
    for (const part of [{ previous_response_id: 'resp_1' }, { background: true }, { conversation: 'conv_1' }])
      await expect(client.responses.create({ ...BRIEF, input: 'Hello', ...part })).rejects.toMatchObject({
        status: 400,
        code: 'unsupported_parameter',
        param: Object.keys(part)[0],
      });
  });
});

describe('embeddings by the openai package', () => {
  it('puts texts and pictures into one space, as numbers and in base64', async () => {
    const { client } = server();
    const texts = ['a red apple', 'a house'];
    const packed = await client.embeddings.create({ model: 'starter', input: texts });
    const plain = await client.embeddings.create({ model: 'starter', input: texts, encoding_format: 'float' });
    expect(embeddingsList.safeParse(plain).error).toBeUndefined();
    expect(packed.data.map(({ embedding }) => [...embedding])).toEqual(plain.data.map(({ embedding }) => embedding));
    expect(plain.usage.prompt_tokens).toBeGreaterThan(3);
    for (const { embedding } of plain.data) expect(Math.hypot(...embedding)).toBeCloseTo(1, 5);
    const mixed = await client.embeddings.create({
      model: 'starter',
      input: ['a house', { type: 'image_url', image_url: { url: await disc() } }] as never,
      encoding_format: 'float',
    });
    expect(mixed.data).toHaveLength(2);
    expect(mixed.data[0]!.embedding).toHaveLength(plain.data[0]!.embedding.length);
    mixed.data[0]!.embedding.forEach((x, i) => expect(x).toBeCloseTo(plain.data[1]!.embedding[i]!, 4));
  });

  it('refuses tokens and other widths', async () => {
    const { client } = server();
    const create = (parts: object) => client.embeddings.create({ model: 'starter', input: 'a house', ...parts });
    await expect(create({ input: [1, 2, 3] })).rejects.toMatchObject({ status: 400, param: 'input' });
    await expect(create({ dimensions: 7 })).rejects.toMatchObject({ status: 400, param: 'dimensions' });
    await expect(create({ input: [] })).rejects.toMatchObject({ status: 400 });
  });
});

describe('models', () => {
  it('lists them, and gives one', async () => {
    const { client } = server();
    const list = await client.models.list();
    expect(modelList.safeParse({ object: 'list', data: list.data }).error).toBeUndefined();
    expect(list.data.map(({ id }) => id)).toEqual(['starter']);
    expect(await client.models.retrieve('starter')).toEqual(list.data[0]);
    await expect(client.models.retrieve('owner/name:adapter')).rejects.toMatchObject({ status: 404 });
  });
});

describe('beside the interface of OpenAI', () => {
  const post = async (path: string, body: object) => {
    const answer = await fetch(`${server().listening.url}${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: (await answer.json()) as never };
  };

  it('points', async () => {
    const { status, body } = await post('/v1/ground', { model: 'starter', image: await disc(), phrase: 'the circle' });
    expect(status).toBe(200);
    expect(grounding.safeParse(body).error).toBeUndefined();
  });

  it('classifies', async () => {
    const labels = ['a red circle', 'a dog', 'a house'];
    const { status, body } = await post('/v1/classify', { model: 'starter', image: await disc(), labels });
    expect(status).toBe(200);
    const read = classification.parse(body);
    expect(read.labels.map(({ label }) => label).toSorted()).toEqual(labels.toSorted());
    expect(read.labels.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 6);
    expect(read.labels[0]!.label).toBe('a red circle');
  });

  it('explains an answer, its own and one that is given', async () => {
    const messages = about(await disc());
    const own = await post('/v1/explain', { model: 'starter', messages, max_tokens: 8 });
    expect(own.status).toBe(200);
    const read = explanation.parse(own.body);
    expect(read.answer).toMatch(/red/);
    expect(read.overall).toHaveLength(read.grid.rows * read.grid.cols);
    expect(read.overall.reduce((sum, x) => sum + x, 0)).toBeCloseTo(1, 4);
    const given = await post('/v1/explain', {
      model: 'starter',
      messages: [...messages, { role: 'assistant', content: 'red' }],
      method: 'attention',
    });
    expect(explanation.parse(given.body)).toMatchObject({ method: 'attention', answer: 'red' });
    const none = { model: 'starter', messages: [{ role: 'user', content: 'Hello' }] };
    expect(await post('/v1/explain', none)).toMatchObject({ status: 400 });
  });

  it('shows where the model looks while it writes', async () => {
    const request = { model: 'starter', messages: about(await disc()), temperature: 0, max_tokens: 12 };
    const stream = await server().client.chat.completions.create({
      ...request,
      stream: true,
      ...({ sensorium: { maps: true } } as object),
    });
    let maps = 0;
    let text = '';
    for await (const chunk of stream) {
      const { sensorium } = chatChunk.parse(chunk).choices[0] ?? {};
      text += chunk.choices[0]?.delta.content ?? '';
      if (sensorium === undefined) continue;
      maps++;
      expect(sensorium.map).toHaveLength(sensorium.grid.rows * sensorium.grid.cols);
      expect(sensorium.map.reduce((sum, x) => sum + x, 0)).toBeCloseTo(1, 2);
    }
    expect(text).toMatch(/red/);
    expect(maps).toBeGreaterThan(0);
    const whole = { ...request, sensorium: { maps: true } };
    expect(await post('/v1/chat/completions', whole)).toMatchObject({
      status: 400,
      body: { error: { param: 'sensorium.maps' } },
    });
  });

  it('writes JSON to its end within the tokens that there are', async () => {
    const { client } = server();
    const application = applicationOf('driving');
    const schema = schemaOf(application, 'en');
    const request = {
      model: 'starter',
      messages: [
        { role: 'system' as const, content: application.system.en },
        ...about(await disc(), application.prompt.en),
      ],
      response_format: { type: 'json_schema' as const, json_schema: { name: 'driving', schema, strict: true } },
      temperature: 0,
    };
    const asked = (whole: boolean, tokens: number) =>
      client.chat.completions.create({ ...request, max_tokens: tokens, ...({ sensorium: { whole } } as object) });
    const [cut] = (await asked(false, 400)).choices;
    expect(cut!.finish_reason).toBe('length');
    const [whole] = (await asked(true, 400)).choices;
    expect(whole!.finish_reason).toBe('stop');
    expect(Object.keys(JSON.parse(whole!.message.content!) as object)).toEqual(schema['required']);
    await expect(asked(true, 20)).rejects.toMatchObject({ status: 400, code: 'no_room_for_form' });
  });

  it('says what is wrong in the same form', async () => {
    expect(await post('/v1/ground', { model: 'starter', image: 'x', phrase: 'y' })).toMatchObject({
      status: 400,
      body: { error: { param: 'image', code: 'invalid_image', type: 'invalid_request_error' } },
    });
    expect(await post('/v1/classify', { model: 'starter', image: await disc(), labels: [] })).toMatchObject({
      status: 400,
      body: { error: { param: 'labels' } },
    });
    expect(await post('/v1/nothing', {})).toMatchObject({ status: 404, body: { error: { code: 'not_found' } } });
  });
});
