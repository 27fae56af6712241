export * from './decoders.ts';
