import { z } from 'zod';
import type { Application, Language, Texts } from '../application.ts';
import { text, texts } from './bounds.ts';

/** Words by which a draft names an illness or a treatment, which it must not. */
const OVERSTEPPING: readonly RegExp[] = [
  /\bdiagnos\w*/i,
  /\b(?:consistent with|suggest(?:s|ive) of|indicative of|compatible with)\b/i,
  /\b(?:pneumonia|tubercul\w+|cancer|carcinoma|tumou?r|malignan\w+|metasta\w+|covid\S*|infection)\b/i,
  /\b(?:prescri\w+|antibiotics?|surgery|should (?:take|be treated)|treatment with)\b/i,
  /诊断|确诊|考虑为|符合.{0,12}(?:炎|癌|瘤|病)|提示.{0,12}(?:炎|癌|瘤|病)|肺炎|结核|癌|肿瘤|感染|处方|服用|手术治疗/,
];

const FOUND: Texts = {
  en: 'the draft goes beyond description (“{words}”): strike it out, or have a physician decide',
  zh: '草稿超出了描述范围（“{words}”）：请删去，或由医生判断',
};

/** A draft that describes an image, for a physician to correct. */
export const MEDICAL: Application = {
  id: 'medical',
  title: { en: 'Medical report draft', zh: '医学影像报告草稿' },
  description: {
    en: 'A medical image is described in the form of a report, as a draft for a physician. It names no illness and no treatment.',
    zh: '按报告格式描述医学影像，作为供医生修改的草稿。不作诊断，不给治疗建议。',
  },
  warning: {
    en: 'Draft by a program, not a diagnosis. Not for decisions about patients: a physician must check it against the image.',
    zh: '本草稿由程序生成，不是诊断，不得用于诊疗决定，须由医生对照影像核实。',
  },
  system: {
    en:
      'You describe medical images for a physician, who writes the report. Describe only what can be seen: regions, shapes, ' +
      'brightness, asymmetry, image quality. Never name an illness, never conclude, never advise a treatment. ' +
      'Say how certain each observation is, and what the image cannot show.',
    zh: '你为撰写报告的医生描述医学影像。只描述可见内容：部位、形态、亮度、是否对称、图像质量。不得给出病名、结论或治疗建议。说明每项观察的把握程度，以及影像无法显示的内容。',
  },
  prompt: {
    en: 'Describe this image in the form of a report draft.',
    zh: '请按报告草稿的格式描述这张影像。',
  },
  input: { en: 'kind of image and what is asked, without names of persons', zh: '影像类型和问题（不要写姓名）' },
  answer: z.strictObject({
    image_kind: text(80),
    quality: z.enum(['good', 'limited', 'not usable']),
    observations: z
      .array(
        z.strictObject({
          region: text(60),
          seen: text(200),
          certainty: z.enum(['clear', 'possible', 'unclear']),
        }),
      )
      .min(1)
      .max(5),
    limits: texts(3, 160, 1),
    for_the_physician: texts(3, 160, 1),
  }),
  labels: {
    image_kind: { en: 'Kind of image', zh: '影像类型' },
    quality: { en: 'Quality', zh: '图像质量' },
    observations: { en: 'What can be seen', zh: '可见内容' },
    region: { en: 'Region', zh: '部位' },
    seen: { en: 'Seen', zh: '所见' },
    certainty: { en: 'Certainty', zh: '把握程度' },
    limits: { en: 'What the image cannot show', zh: '影像的局限' },
    for_the_physician: { en: 'For the physician to check', zh: '请医生核实' },
  },
  review: (answer, language) => overstepping(answer, language),
  sample: {
    picture: 'medical.png',
    text: {
      en: 'Drawing in the manner of a chest X-ray, frontal. Describe both sides.',
      zh: '模仿胸部正位X光片的示意图，请描述左右两侧。',
    },
  },
};

function overstepping(answer: unknown, language: Language): string[] {
  const notes = new Set<string>();
  for (const said of textsOf(answer))
    for (const pattern of OVERSTEPPING) {
      const words = pattern.exec(said)?.[0];
      if (words !== undefined) notes.add(FOUND[language].replace('{words}', words));
    }
  return [...notes];
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsOf);
}
