import { z } from 'zod';
import type { Application } from '../application.ts';
import { text, texts } from './bounds.ts';

/** A customer's message and a picture of the trouble, as a ticket with a reply. */
export const SUPPORT: Application = {
  id: 'support',
  title: { en: 'Customer support', zh: '客户支持' },
  description: {
    en: 'A customer’s message with a picture becomes a sorted ticket and a draft of the reply.',
    zh: '把客户的留言和图片整理成工单，并起草回复。',
  },
  system: {
    en:
      'You help the support team of a shop. Say only what the message and the picture show; never invent order numbers, ' +
      'prices, promises or rules of the shop. Be friendly and short. Where something is missing, ask for it.',
    zh: '你协助商店的客服团队。只依据留言和图片所示的内容，不要编造订单号、价格、承诺或店规。语气友好、简短；缺少的信息就请客户补充。',
  },
  prompt: {
    en: 'Sort this request: what happened, what the picture shows of it, how urgent it is, and which steps come next. Then write the reply to the customer.',
    zh: '整理这条请求：发生了什么、图片显示了什么、有多紧急、接下来做哪些步骤，然后写出给客户的回复。',
  },
  input: { en: 'the customer’s message', zh: '客户的留言' },
  answer: z.strictObject({
    summary: text(200),
    seen: texts(4, 120),
    category: z.enum(['damage', 'delivery', 'wrong item', 'set-up', 'malfunction', 'billing', 'other']),
    urgency: z.enum(['low', 'normal', 'high']),
    steps: texts(5, 160, 1),
    missing: texts(3, 120),
    escalate: z.boolean(),
    reply: text(600),
  }),
  labels: {
    summary: { en: 'What happened', zh: '情况' },
    seen: { en: 'What the picture shows', zh: '图片所示' },
    category: { en: 'Category', zh: '类别' },
    urgency: { en: 'Urgency', zh: '紧急程度' },
    steps: { en: 'Next steps', zh: '后续步骤' },
    missing: { en: 'Still to be asked', zh: '需补充的信息' },
    escalate: { en: 'A person should take over', zh: '转交人工' },
    reply: { en: 'Reply to the customer', zh: '给客户的回复' },
  },
  sample: {
    picture: 'support.png',
    text: {
      en: 'Hello, my parcel came today and one corner is crushed. The mug inside has lost its handle. What can you do?',
      zh: '你好，我今天收到包裹，一角被压坏了，里面的杯子把手也断了。请问怎么处理？',
    },
  },
};
