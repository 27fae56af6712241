export { caption } from './captioning.ts';
export * from './conversation.ts';
export * from './fusion-prediction.ts';
export * from './grounding.ts';
export * from './matching.ts';
export * from './question-answering.ts';
export { classify, embed, type ScoredLabel } from './zero-shot.ts';
