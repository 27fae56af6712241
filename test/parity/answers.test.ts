/** From a folder, a text and pictures to an answer, as Transformers leads there: processor, model and generation together. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HostTensor } from '../../src/core/index.ts';
import { LanguageModel } from '../../src/auto/index.ts';
import { load } from '../../src/auto/node/index.ts';
import type { Picture } from '../../src/data/index.ts';
import { readSafetensors } from '../../src/hub/node/safetensors-file.ts';
import { folderOf } from './multimodal-fixture.ts';

const TEXTS = ['w5 w17 <image> w33 w8', 'w44 <image> w3 w70 <image> w9 w12'];

function pictureOf({ shape, data }: HostTensor): Picture {
  const [height, width] = shape as readonly [number, number, number];
  return { width, height, channels: 3, data: data as Uint8Array };
}

describe.each(['idefics3', 'llava', 'llava_onevision'])('%s', (name) => {
  it('answers questions about pictures with the tokens of Transformers', async () => {
    const expected = await readSafetensors(join(folderOf(name), 'expected.safetensors'));
    const numbers = (key: string): number[] => Array.from(expected.get(key)!.data as BigInt64Array, Number);
    const model = await load(folderOf(name), { threads: 1 });
    if (!(model instanceof LanguageModel)) throw new Error(`${model.kind} model`);
    for (const [q, text] of TEXTS.entries()) {
      const pictures = [0, 1].flatMap((n) => expected.get(`question.${q}.${n}`) ?? []).map(pictureOf);
      const prompt = await model.promptOf(text, pictures);
      expect(prompt.tokens).toEqual(numbers(`question.${q}.ids`));
      const tokens: number[] = [];
      for await (const { token } of model.answer(prompt, { maxNewTokens: 32, stopTokens: [] }))
        tokens.push(token.token);
      expect(tokens).toEqual(numbers(`question.${q}.tokens`));
    }
    await expect(model.promptOf(TEXTS[0]!, [])).rejects.toMatchObject({ code: 'data' });
    await model.dispose();
  });
});
