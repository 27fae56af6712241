export * from './load.ts';
export * from './open-model.ts';
export * from './resolve.ts';
