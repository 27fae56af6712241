import { expect, it } from 'vitest';
import type { LanguageModel } from '../../../src/auto/index.ts';
import { picture } from '../../../src/data/index.ts';
import { groundingPrompt, parseBoxes } from '../../../src/models/qwen2_5_vl/boxes.ts';
import { ground } from '../../../src/tasks/index.ts';

const shown = picture(200, 100, 3);

/** A model that says what it is told to, and sees pictures of half their size. */
function model(answer: string, points = true): { model: LanguageModel; asked: unknown[] } {
  const asked: unknown[] = [];
  const grounding = {
    question: groundingPrompt,
    read: (text: string) => parseBoxes(text, { seen: [50, 100], given: [100, 200] }),
  };
  const parts = { processor: points ? { grounding } : {} };
  async function* say(): AsyncGenerator<unknown> {
    yield { text: answer, token: { row: 0, token: 1, finish: 'stop' } };
  }
  const fake = {
    kind: 'language',
    name: 'a model',
    parts,
    prompt: async (messages: unknown) => {
      asked.push(messages);
      return { tokens: [1] };
    },
    answer: say,
  };
  return { model: fake as unknown as LanguageModel, asked };
}

it('gives boxes in pixels of the picture as it was given', async () => {
  const { model: points, asked } = model('```json\n[{"bbox_2d": [10, 5, 30, 25], "label": "cup"}]\n```');
  const { boxes, refused, cut, answer } = await ground(points, shown, 'the red cup');
  expect(boxes).toEqual([{ label: 'cup', left: 20, top: 10, right: 60, bottom: 50 }]);
  expect([refused, cut, answer.finish]).toEqual([0, false, 'stop']);
  expect(JSON.stringify(asked)).toContain('the red cup');
});

it('gives none where the model says something else', async () => {
  expect((await ground(model('I see no cup.').model, shown, 'cup')).boxes).toEqual([]);
});

it('refuses models that were not taught to point', async () => {
  await expect(ground(model('', false).model, shown, 'cup')).rejects.toThrow(/does not point at things\n {2}→/);
});
