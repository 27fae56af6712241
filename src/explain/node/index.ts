export * from './png.ts';
