export { formatDuration } from '../progress.ts';
export * from './package-root.ts';
export * from './files.ts';
export * from './terminal.ts';
export * from './within.ts';
