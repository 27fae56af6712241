/** Two applications in the form of `GET /v1/applications`, with an answer of each. */
const SQUARE =
  'data:image/svg+xml,%3Csvg xmlns="http://www.w3.org/2000/svg" width="64" height="64"%3E%3Cpath fill="%23d33" d="M8 8h48v48H8z"/%3E%3C/svg%3E';

export const APPLICATIONS = [
  {
    id: 'support',
    title: { en: 'Customer support', zh: '客户支持' },
    description: { en: 'A message with a picture becomes a ticket.', zh: '把留言和图片整理成工单。' },
    system: { en: 'You help a shop.', zh: '你协助商店。' },
    prompt: { en: 'Sort this request.', zh: '整理这条请求。' },
    input: { en: 'the customer’s message', zh: '客户的留言' },
    schema: {
      type: 'object',
      properties: {
        summary: { type: 'string' },
        urgency: { type: 'string', enum: ['low', 'high'] },
        steps: { type: 'array', items: { type: 'string' } },
        parts: {
          type: 'array',
          items: { type: 'object', properties: { name: { type: 'string' }, broken: { type: 'boolean' } } },
        },
      },
    },
    labels: { summary: { en: 'What happened', zh: '情况' }, urgency: { en: 'Urgency', zh: '紧急程度' } },
    sample: { picture: SQUARE, text: { en: 'My mug is broken.', zh: '我的杯子坏了。' } },
    answer: {
      summary: 'The mug has lost its handle.',
      urgency: 'low',
      steps: ['Ask for the number of the order', 'Send a new mug'],
      parts: [
        { name: 'handle', broken: true },
        { name: 'cup', broken: false },
      ],
    },
  },
  {
    id: 'medical',
    title: { en: 'Medical draft', zh: '医学草稿' },
    description: { en: 'A picture becomes a draft for a doctor.', zh: '把图片写成给医生的草稿。' },
    warning: { en: 'A draft for a doctor, not a diagnosis.', zh: '仅供医生参考，并非诊断。' },
    system: { en: 'You help a doctor.', zh: '你协助医生。' },
    prompt: { en: 'Describe the picture.', zh: '描述图片。' },
    input: { en: 'what is known of the patient', zh: '已知情况' },
    schema: {
      type: 'object',
      properties: {
        warning: {
          type: 'string',
          enum: ['A draft for a doctor, not a diagnosis.', '仅供医生参考，并非诊断。'],
        },
        findings: { type: 'array', items: { type: 'string' } },
      },
    },
    labels: { findings: { en: 'Findings', zh: '所见' } },
    sample: { picture: SQUARE, text: { en: 'A cough.', zh: '咳嗽。' } },
    answer: { warning: 'A draft for a doctor, not a diagnosis.', findings: ['a red square'] },
  },
] as const;
