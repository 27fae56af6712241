import { describe, expect, it } from 'vitest';
import { DataError } from '../../../../src/core/index.ts';
import { picture, type Sample } from '../../../../src/data/index.ts';
import { inspectionPage } from '../../../../src/recipe/inspection/page.ts';
import { sampleText } from '../../../../src/recipe/inspection/text.ts';
import { viewProblem, viewSample } from '../../../../src/recipe/inspection/view.ts';

const ESCAPE = String.fromCharCode(27);
const HOSTILE = `<script>alert(1)</script>${ESCAPE}[2J`;

const sample: Sample = {
  id: `id ${HOSTILE}`,
  pictures: [{ name: `a.png ${HOSTILE}`, open: () => picture(800, 400, 3) }],
  conversations: [
    [
      {
        role: 'user',
        content: [
          { type: 'image', picture: 0 },
          { type: 'text', text: `Where? ${HOSTILE}` },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Here:' },
          { type: 'box', box: [0.1, 0.2, 0.5, 0.6] },
          { type: 'text', text: ', and here again:' },
          { type: 'box', box: [0.1, 0.2, 0.5, 0.6] },
        ],
      },
    ],
  ],
};

describe('samples to look at', () => {
  it('opens pictures, makes them small and finds their boxes', async () => {
    const viewed = await viewSample(7, sample);
    expect(viewed.pictures[0]).toMatchObject({ width: 800, height: 400, boxes: [[0.1, 0.2, 0.5, 0.6]] });
    expect(viewed.pictures[0]!.thumbnail).toMatchObject({ width: 320, height: 160 });
    expect(viewed.conversations[0]!.turns[1]!.text).toBe('Here: [box 1], and here again: [box 1]');
  });

  it('shows them in a terminal without what they could do to it', async () => {
    const text = sampleText(await viewSample(7, sample), false);
    expect(text).toContain('#7');
    expect(text).toContain('800 × 400');
    expect(text).toContain('0.100  0.200  0.500  0.600');
    expect(text).not.toContain(ESCAPE);
  });

  it('makes a page without scripts', async () => {
    const bad = {
      ...sample,
      pictures: [{ name: 'b', open: () => Promise.reject(new DataError(`b is damaged ${HOSTILE}`)) }],
    };
    const viewed = [
      await viewSample(0, sample),
      await viewSample(1, bad),
      viewProblem(2, new DataError('line 3 is bad')),
    ];
    const pieces = [
      { text: '<image>', tokens: 64, kind: 'picture' as const },
      { text: 'a <b>', tokens: 2, kind: 'learned' as const },
    ];
    const withTokens = { ...viewed[0]!, conversations: [{ turns: [], pieces }] };
    const page = await inspectionPage({ path: HOSTILE, total: 9, model: 'm' }, [...viewed, withTokens]);
    expect(page).not.toMatch(/<script/i);
    expect(page).toContain("default-src 'none'");
    expect(page).toContain('<rect class="b0" x="0.10000" y="0.20000" width="0.40000" height="0.40000">');
    expect(page).toContain('b is damaged');
    expect(page).toContain('line 3 is bad');
    expect(page).toContain('<i>&lt;image&gt; × 64</i><b>a &lt;b&gt;</b>');
    expect(page.match(/data:image\/png/g)).toHaveLength(2);
  });
});
