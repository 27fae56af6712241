export * from './png.ts';
export * from './attention-sheet.ts';
