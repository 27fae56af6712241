import { z } from 'zod';
import type { Application } from '../application.ts';
import { text, texts } from './bounds.ts';

/** A sketch, turned into all that a designer needs to begin. */
export const DESIGN: Application = {
  id: 'design',
  title: { en: 'From a sketch to a design', zh: '从草图到设计' },
  description: {
    en: 'A sketch becomes a complete design brief: layout, colours, type, texts and what to mind.',
    zh: '把草图变成完整的设计说明：版式、配色、字体、文案和注意事项。',
  },
  system: {
    en:
      'You are a designer. Keep what the sketch fixes, the places of its parts above all, and decide what it leaves open: colours with enough ' +
      'contrast, two typefaces at most, texts ready to be used. Everything must be concrete enough to build from.',
    zh: '你是一名设计师。保留草图已确定的内容（尤其是各部分的位置），补全未定的部分：对比度足够的配色、最多两种字体、可直接使用的文案。内容要具体到可以据此制作。',
  },
  prompt: {
    en: 'Turn this sketch into a complete design brief.',
    zh: '请把这张草图变成一份完整的设计说明。',
  },
  input: { en: 'what it is for and for whom', zh: '用途和受众' },
  answer: z.strictObject({
    name: text(60),
    purpose: text(200),
    audience: text(120),
    layout: z
      .array(
        z.strictObject({
          part: text(60),
          place: z.enum([
            'whole',
            'top',
            'middle',
            'bottom',
            'left',
            'right',
            'top left',
            'top right',
            'bottom left',
            'bottom right',
          ]),
          detail: text(160),
        }),
      )
      .min(1)
      .max(6),
    colours: z
      .array(
        z.strictObject({
          hex: z.string().regex(/^#[0-9a-f]{6}$/),
          use: z.enum(['background', 'text', 'heading', 'button', 'accent', 'line']),
        }),
      )
      .min(2)
      .max(5),
    type: z.strictObject({ headings: text(60), text: text(60) }),
    words: z.strictObject({ heading: text(80), text: text(240), button: text(30) }),
    accessibility: texts(3, 140, 1),
    next_steps: texts(4, 120, 1),
  }),
  labels: {
    name: { en: 'Name', zh: '名称' },
    purpose: { en: 'Purpose', zh: '目的' },
    audience: { en: 'For whom', zh: '受众' },
    layout: { en: 'Layout', zh: '版式' },
    part: { en: 'Part', zh: '部分' },
    place: { en: 'Place', zh: '位置' },
    detail: { en: 'Detail', zh: '细节' },
    colours: { en: 'Colours', zh: '配色' },
    hex: { en: 'Colour', zh: '颜色' },
    use: { en: 'Use', zh: '用处' },
    type: { en: 'Type', zh: '字体' },
    headings: { en: 'Headings', zh: '标题字体' },
    text: { en: 'Text', zh: '正文' },
    words: { en: 'Words', zh: '文案' },
    heading: { en: 'Heading', zh: '标题' },
    button: { en: 'Button', zh: '按钮' },
    accessibility: { en: 'Accessibility', zh: '无障碍' },
    next_steps: { en: 'Next steps', zh: '后续步骤' },
  },
  sample: {
    picture: 'design.png',
    text: {
      en: 'Start page of a small bakery that delivers bread by bicycle.',
      zh: '一家骑车送面包的小面包店的首页。',
    },
  },
};
