import { describe, expect, it } from 'vitest';
import { groundingPrompt, parseBoxes, type PictureSizes } from '../../../../src/models/index.ts';

/** Seen at half of its height and a quarter of its width. */
const sizes: PictureSizes = { seen: [100, 100], given: [200, 400] };
const cat = { label: 'cat', left: 40, top: 40, right: 120, bottom: 80 };
const dog = { label: 'dog', left: 0, top: 0, right: 4, bottom: 2 };
const list = '[\n\t{"bbox_2d": [10, 20, 30, 40], "label": "cat"},\n\t{"bbox_2d": [0, 0, 1, 1], "label": "dog"}\n]';

describe('parseBoxes', () => {
  it.each([
    ['bare', list],
    ['fenced', `\`\`\`json\n${list}\n\`\`\``],
    ['in text', `Here it's: ${list} That "is" all}, of them`],
    ['in one line', list.replaceAll(/\s/g, '')],
  ])('reads a list %s, in pixels of the picture as it was given', (_, text) => {
    expect(parseBoxes(text, sizes)).toEqual({ boxes: [cat, dog], refused: 0, cut: false });
  });

  it('reads a single box, and one without a label', () => {
    expect(parseBoxes('{"bbox_2d": [10, 20, 30, 40], "label": "cat"}', sizes)).toEqual({
      boxes: [cat],
      refused: 0,
      cut: false,
    });
    expect(parseBoxes('[{"bbox_2d": [10, 20, 30, 40]}]', sizes).boxes).toEqual([{ ...cat, label: '' }]);
  });

  it('keeps what is whole of an answer that was cut off', () => {
    // The first entry ends behind its brace, and cuts before that have no box.
    const first = list.indexOf('}') + 1;
    const second = list.lastIndexOf('}') + 1;
    for (let end = 1; end < list.length - 1; end++) {
      const expected = end >= second ? [cat, dog] : end >= first ? [cat] : [];
      expect(parseBoxes(list.slice(0, end), sizes), list.slice(0, end)).toEqual({
        boxes: expected,
        refused: 0,
        cut: true,
      });
    }
  });

  it('orders corners and cuts boxes at the edges of the picture', () => {
    expect(parseBoxes('[{"bbox_2d": [30, 40, 10, 20], "label": "cat"}]', sizes).boxes).toEqual([cat]);
    expect(parseBoxes('[{"bbox_2d": [-5, -5, 500, 50]}]', sizes).boxes).toEqual([
      { label: '', left: 0, top: 0, right: 400, bottom: 100 },
    ]);
  });

  it.each([
    ['outside of the picture', '[{"bbox_2d": [200, 200, 300, 300], "label": "cat"}]'],
    ['without an area', '[{"bbox_2d": [10, 10, 10, 30]}]'],
    ['of three numbers', '[{"bbox_2d": [10, 10, 30]}]'],
    ['of text', '[{"bbox_2d": ["10", "10", "30", "30"]}]'],
    ['of huge numbers', '[{"bbox_2d": [0, 0, 1e400, 9]}]'],
    ['of nothing', '[{"bbox_2d": null}]'],
    ['under another key', '[{"box": [10, 20, 30, 40]}]'],
    ['with a label that is no text', '[{"bbox_2d": [10, 20, 30, 40], "label": {"a": 1}}]'],
    ['with an endless label', `[{"bbox_2d": [10, 20, 30, 40], "label": "${'a'.repeat(100_000)}"}]`],
    ['of wrong JSON', '[{bbox_2d: [10, 20, 30, 40]}]'],
  ])('refuses a box %s', (_, text) => {
    const { boxes, refused } = parseBoxes(text, sizes);
    expect(boxes).toEqual([]);
    expect(refused).toBe(1);
  });

  it('finds nothing in text without boxes', () => {
    for (const text of ['', 'There is no cat.', '[]', '```json\n[]\n```', '}}}', '"'])
      expect(parseBoxes(text, sizes)).toEqual({ boxes: [], refused: 0, cut: false });
  });

  it('passes over braces in labels, and goes on after a quote that is never closed', () => {
    expect(parseBoxes('[{"label": "a } { \\" b", "bbox_2d": [10, 20, 30, 40]}]', sizes).boxes).toEqual([
      { ...cat, label: 'a } { " b' },
    ]);
    expect(parseBoxes(`{ "oops\n${list}`, sizes).boxes).toEqual([cat, dog]);
  });

  it('takes a hostile answer in little time', () => {
    const start = performance.now();
    expect(parseBoxes('{'.repeat(2_000_000), sizes)).toEqual({ boxes: [], refused: 0, cut: true });
    expect(parseBoxes('[{"bbox_2d":[0,0,1,1]},'.repeat(50_000), sizes).boxes).toHaveLength(1000);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});

describe('groundingPrompt', () => {
  it('asks for what the phrase describes', () => {
    expect(groundingPrompt(' red cup ')).toContain('each red cup in');
  });
});
