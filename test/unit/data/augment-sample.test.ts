import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/core/index.ts';
import {
  allowedChanges,
  augmented,
  augmentSample,
  picture,
  type RelativeBox,
  type Sample,
  type SamplePart,
  type SampleSource,
} from '../../../src/data/index.ts';

/** A picture whose red channel counts columns and whose green one counts rows. */
const ramp = picture(40, 20, 3);
for (let y = 0; y < 20; y++) for (let x = 0; x < 40; x++) ramp.data.set([x * 4, y * 8, 100], (y * 40 + x) * 3);

function sampleOf(text: string, box?: RelativeBox): Sample {
  const content: SamplePart[] = [{ type: 'text', text }];
  if (box !== undefined) content.push({ type: 'box', box });
  return {
    id: text,
    pictures: [{ name: 'ramp', open: () => ramp }],
    conversations: [
      [
        { role: 'user', content: [{ type: 'image', picture: 0 }] },
        { role: 'assistant', content },
      ],
    ],
  };
}

describe('allowedChanges', () => {
  it.each([
    ['A cat sleeps.', 'mirror crop light colour'],
    ['The cat is left of the dog.', 'light colour'],
    ['Die Katze ist links.', 'light colour'],
    ['猫在狗的左边', 'light colour'],
    ['The sign says stop.', 'light colour'],
    ['A red cup.', 'mirror crop'],
    ['Ein roter Becher.', 'mirror crop'],
    ['一个红杯子', 'mirror crop'],
    ['两个杯子', 'mirror light colour'],
    ['How many cats are there?', 'mirror light colour'],
    ['A cat at night.', 'mirror crop colour'],
    // Words that hold others are left alone.
    ['A brightly tired cat in a reddened alley.', 'mirror crop light colour'],
  ])('%s', (text, expected) => {
    const changes = Object.entries(allowedChanges(sampleOf(text)));
    expect(changes.filter(([, allowed]) => allowed).map(([name]) => name)).toEqual(
      expected === '' ? [] : expected.split(' '),
    );
  });

  it('looks at captions and boxes as well', () => {
    expect(allowedChanges({ ...sampleOf('A cat.'), captions: ['A cat on the right.'] }).mirror).toBe(false);
    expect(allowedChanges(sampleOf('A cat: ', [0.1, 0.1, 0.5, 0.5])).mirror).toBe(false);
  });
});

describe('augmentSample', () => {
  it('moves boxes along with what is cut off', async () => {
    const box: RelativeBox = [0.25, 0.25, 0.75, 0.75];
    for (let seed = 0; seed < 20; seed++) {
      const varied = augmentSample(sampleOf('A cat: ', box), new Random(seed), { light: 0, colour: 0 });
      const opened = await varied.pictures[0]!.open();
      const moved = varied.conversations[0]![1]!.content.find((part) => part.type === 'box')!.box;
      // The corner of the box shows the same column and row as before, to within the rounding of two pixels.
      const at = (Math.round(moved[1] * opened.height) * opened.width + Math.round(moved[0] * opened.width)) * 3;
      expect(Math.abs(opened.data[at]! / 4 - 10)).toBeLessThanOrEqual(1.01);
      expect(Math.abs(opened.data[at + 1]! / 8 - 5)).toBeLessThanOrEqual(1.01);
      expect(opened.width).toBeLessThanOrEqual(40);
      expect(opened.width).toBeGreaterThanOrEqual(33);
    }
  });

  it('puts the pixels of the border around every other picture', async () => {
    const box: RelativeBox = [0.25, 0.25, 0.75, 0.75];
    let widened = 0;
    for (let seed = 0; seed < 40; seed++) {
      const options = { crop: 0, widen: 1, light: 0, colour: 0 };
      const varied = augmentSample(sampleOf('A cat: ', box), new Random(seed), options);
      const { width, height, data } = await varied.pictures[0]!.open();
      if (width === 40 && height === 20) continue;
      widened++;
      expect(Math.abs(width - 2 * height)).toBeLessThanOrEqual(2);
      expect(width).toBeLessThanOrEqual(80);
      // Corners are those of the picture, and the corner of the box shows what it did.
      expect([...data.subarray(0, 3)]).toEqual([0, 0, 100]);
      expect([...data.subarray(-3)]).toEqual([39 * 4, 19 * 8, 100]);
      const moved = varied.conversations[0]![1]!.content.find((part) => part.type === 'box')!.box;
      const at = (Math.round(moved[1] * height) * width + Math.round(moved[0] * width)) * 3;
      expect(Math.abs(data[at]! / 4 - 10)).toBeLessThanOrEqual(1.01);
      expect(Math.abs(data[at + 1]! / 8 - 5)).toBeLessThanOrEqual(1.01);
    }
    expect(widened).toBeGreaterThan(10);
    expect(widened).toBeLessThan(30);
  });

  it('never cuts a box off', () => {
    const box: RelativeBox = [0, 0, 0.2, 0.2];
    for (let seed = 0; seed < 50; seed++) {
      const varied = augmentSample(sampleOf('A cat: ', box), new Random(seed), { crop: 0.3 });
      const moved = varied.conversations[0]![1]!.content.find((part) => part.type === 'box')!.box;
      expect(moved[2]).toBeGreaterThan(moved[0]);
      expect(moved.every((side) => side >= 0 && side <= 1)).toBe(true);
    }
  });

  it('leaves a picture as it is where nothing may change', async () => {
    const varied = augmentSample(sampleOf('The red cup on the left.'), new Random(1), { mirror: 1 });
    expect(await varied.pictures[0]!.open()).toEqual(ramp);
  });

  it('mirrors and tones where it may', async () => {
    const varied = augmentSample(sampleOf('A cat.'), new Random(1), { mirror: 1, crop: 0, light: 0, colour: 0 });
    const opened = await varied.pictures[0]!.open();
    expect([opened.data[0], opened.data[39 * 3]]).toEqual([39 * 4, 0]);
    const toned = await augmentSample(sampleOf('A cat.'), new Random(1), { mirror: 0, crop: 0 }).pictures[0]!.open();
    expect(toned.data).not.toEqual(ramp.data);
  });

  it('is the same in every process and another in every pass', async () => {
    const source: SampleSource = { length: 1, sample: () => sampleOf('A cat.') };
    const first = async (epoch: number): Promise<unknown> =>
      (await augmented(source).sample(0, { seed: 3, epoch })).pictures[0]!.open();
    expect(await first(0)).toEqual(await first(0));
    expect(await first(0)).not.toEqual(await first(1));
  });
});
