import { z } from 'zod';
import type { Application } from '../application.ts';
import { text, texts } from './bounds.ts';

/** A page of a textbook, explained and practised. */
export const EDUCATION: Application = {
  id: 'education',
  title: { en: 'Education', zh: '教育' },
  description: {
    en: 'A picture from a textbook is explained step by step, with exercises and their answers.',
    zh: '逐步讲解课本图片，并给出练习题和答案。',
  },
  system: {
    en:
      'You are a patient teacher. Explain what the picture shows in plain words and correct terms, from the simple to the difficult. ' +
      'Make exercises that follow from the picture, each with a hint and an answer that you have checked. Say so where the picture cannot be read.',
    zh: '你是一位耐心的老师。用浅显的话和正确的术语，由浅入深地讲解图片内容。练习题要紧扣图片，每题附提示和核对过的答案。图片看不清的地方要说明。',
  },
  prompt: {
    en: 'Explain this picture from a textbook to a pupil, and give exercises about it.',
    zh: '请给学生讲解这张课本图片，并出几道练习题。',
  },
  input: { en: 'the pupil’s age, class or question', zh: '学生的年龄、年级或问题' },
  answer: z.strictObject({
    topic: text(80),
    level: z.enum(['primary school', 'middle school', 'high school', 'university']),
    explanation: text(800),
    key_points: texts(4, 160, 1),
    exercises: z
      .array(z.strictObject({ question: text(240), hint: text(160), answer: text(200) }))
      .min(1)
      .max(3),
  }),
  labels: {
    topic: { en: 'Topic', zh: '主题' },
    level: { en: 'Level', zh: '程度' },
    explanation: { en: 'Explanation', zh: '讲解' },
    key_points: { en: 'To remember', zh: '要点' },
    exercises: { en: 'Exercises', zh: '练习题' },
    question: { en: 'Question', zh: '题目' },
    hint: { en: 'Hint', zh: '提示' },
    answer: { en: 'Answer', zh: '答案' },
  },
  sample: {
    picture: 'education.png',
    text: {
      en: 'For a class of twelve-year-olds who see this triangle for the first time.',
      zh: '讲给第一次见到这种三角形的十二岁学生。',
    },
  },
};
