export * from './load-decoder.ts';
