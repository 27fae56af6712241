export * from './decoders.ts';
export * from './processors.ts';
