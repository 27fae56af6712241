/** The Vercel AI SDK, through its provider for servers with OpenAI's interface. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embedMany, generateObject, generateText, streamText } from 'ai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { disc, starterServer } from './starter-server.ts';

const server = starterServer();

const provider = () =>
  createOpenAICompatible({
    name: 'sensorium',
    baseURL: `${server().listening.url}/v1`,
    includeUsage: true,
    supportsStructuredOutputs: true,
  });

const messages = async (text = 'What colour is it?') => [
  {
    role: 'user' as const,
    content: [
      { type: 'image' as const, image: await disc() },
      { type: 'text' as const, text },
    ],
  },
];

describe('the AI SDK', () => {
  it('generates text about a picture', async () => {
    const { text, usage, finishReason } = await generateText({
      model: provider()('starter'),
      messages: await messages(),
      maxOutputTokens: 12,
      temperature: 0,
      maxRetries: 0,
    });
    expect(text).toMatch(/red/);
    expect(usage.totalTokens).toBe(usage.inputTokens! + usage.outputTokens!);
    expect(finishReason).toBe('stop');
  });

  it('streams it', async () => {
    const result = streamText({
      model: provider()('starter'),
      messages: await messages('Describe the picture.'),
      maxOutputTokens: 40,
      temperature: 0,
      maxRetries: 0,
    });
    const pieces: string[] = [];
    for await (const piece of result.textStream) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.join('')).toMatch(/\w/);
    expect((await result.usage).outputTokens).toBeGreaterThan(0);
    expect(await result.finishReason).toBe('stop');
  });

  it('generates objects of a schema', async () => {
    const schema = z.object({ colour: z.enum(['red', 'green', 'blue']), round: z.boolean() });
    const { object } = await generateObject({
      model: provider()('starter'),
      schema,
      messages: await messages(),
      maxOutputTokens: 60,
      temperature: 0,
      maxRetries: 0,
    });
    expect(schema.safeParse(object).success).toBe(true);
  });

  it('embeds', async () => {
    const { embeddings } = await embedMany({
      model: provider().textEmbeddingModel('starter'),
      values: ['a red apple', 'a house'],
      maxRetries: 0,
    });
    expect(embeddings).toHaveLength(2);
    expect(Math.hypot(...embeddings[0]!)).toBeCloseTo(1, 5);
  });
});
