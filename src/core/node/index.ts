export * from './files.ts';
export * from './terminal.ts';
