export * from './caption-filter.ts';
export { caption } from './captioning.ts';
export { type Answer, ask, chat, collect, Conversation, questionParts } from './conversation.ts';
export * from './fusion-prediction.ts';
export * from './grounding.ts';
export * from './many-questions.ts';
export * from './matching.ts';
export * from './question-answering.ts';
export { classify, embed, embeds, type ScoredLabel } from './zero-shot.ts';
