export * from './blip.ts';
export { HEAT_COLOURS } from './colours.ts';
export * from './explain.ts';
export { type Faithfulness, type FaithfulnessCurve } from './faithfulness.ts';
export type { Grid } from './grid.ts';
export * from './heatmap.ts';
export * from './token-maps.ts';
export * from './pair.ts';
export { EXPLANATION_METHODS, type ExplanationMethod } from './methods/index.ts';
