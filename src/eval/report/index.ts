export { renderReport } from './page.ts';
export type * from './types.ts';
