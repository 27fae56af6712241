export * from './load.ts';
export * from './open-model.ts';
export * from './resolve.ts';
export * from './simple-multimodal.ts';
