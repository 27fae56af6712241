import { z } from 'zod';
import type { Application } from '../application.ts';
import { text, texts } from './bounds.ts';

/** A view of a road, understood, with a decision and its reason. */
export const DRIVING: Application = {
  id: 'driving',
  title: { en: 'Driving scene', zh: '驾驶场景' },
  description: {
    en: 'A view of a road is described, with what matters in it, and a decision with its reason. For study and review of scenes.',
    zh: '描述道路画面中重要的内容，给出决策及理由，供学习和复盘使用。',
  },
  warning: {
    en: 'Not a driving system. The answer may be wrong and comes too late for traffic: never steer a vehicle by it.',
    zh: '这不是驾驶系统。回答可能有误且不具实时性，切勿据此操控车辆。',
  },
  system: {
    en:
      'You review pictures of traffic. Name what the picture shows and where it is, seen from the driver. Decide as a careful driver would who ' +
      'keeps to the rules, give the reason from what is seen, and name what is uncertain. In doubt, slow down or stop.',
    zh: '你复盘交通画面。从驾驶员视角说明画面中有什么、在哪里。像守规矩的谨慎驾驶员那样决策，用所见说明理由，并指出不确定之处。有疑问就减速或停车。',
  },
  prompt: {
    en: 'Describe this scene, decide what to do, and say why.',
    zh: '请描述这个场景，决定该怎么做，并说明理由。',
  },
  input: { en: 'speed, route or question', zh: '车速、路线或问题' },
  answer: z.strictObject({
    scene: z.strictObject({
      road: z.enum(['city street', 'country road', 'motorway', 'crossing', 'car park', 'other']),
      light: z.enum(['day', 'dusk', 'night']),
      weather: z.enum(['dry', 'rain', 'snow', 'fog', 'cannot tell']),
    }),
    objects: z
      .array(
        z.strictObject({
          what: text(60),
          where: z.enum(['left', 'ahead', 'right', 'far ahead']),
          matters: text(140),
        }),
      )
      .min(1)
      .max(6),
    decision: z.enum(['go on', 'slow down', 'stop', 'give way', 'change lane', 'turn left', 'turn right']),
    reason: text(300),
    uncertain: texts(3, 140, 1),
  }),
  labels: {
    scene: { en: 'Scene', zh: '场景' },
    road: { en: 'Road', zh: '道路' },
    light: { en: 'Light', zh: '光线' },
    weather: { en: 'Weather', zh: '天气' },
    objects: { en: 'What is there', zh: '场景中的对象' },
    what: { en: 'What', zh: '对象' },
    where: { en: 'Where', zh: '位置' },
    matters: { en: 'Why it matters', zh: '为何重要' },
    decision: { en: 'Decision', zh: '决策' },
    reason: { en: 'Reason', zh: '理由' },
    uncertain: { en: 'Uncertain', zh: '不确定之处' },
  },
  sample: {
    picture: 'driving.png',
    text: {
      en: 'We drive at 40 km/h towards the crossing.',
      zh: '我们以每小时40公里的速度驶向路口。',
    },
  },
};
