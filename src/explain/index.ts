export { HEAT_COLOURS } from './colours.ts';
export * from './heatmap.ts';
