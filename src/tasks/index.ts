export * from './captioning.ts';
export * from './conversation.ts';
export * from './fusion-prediction.ts';
export * from './question-answering.ts';
export * from './zero-shot.ts';
