export * from './decoding.ts';
