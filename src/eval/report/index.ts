export { renderReport } from './page.ts';
export { renderSuitePage, type ShownAnswer, type SuitePage } from './suite-page.ts';
export type * from './types.ts';
