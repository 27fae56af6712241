export * from './answers.ts';
export * from './bars.ts';
export * from './boxes.ts';
export * from './evaluate-suite.ts';
export * from './evaluated-model.ts';
export { type Figure, macroFigure, meanFigure, type ScoredItem } from './figures.ts';
export * from './mentions.ts';
export * from './picture-suite.ts';
export * from './retrieval.ts';
