export * from './architectures.ts';
export * from './language-model.ts';
export * from './pair-model.ts';
