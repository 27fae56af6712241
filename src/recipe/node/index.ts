export * from './evaluate-run.ts';
export * from './read-recipe.ts';
export * from './run-recipe.ts';
export { defaultCacheFolder, type RunOptions } from './run.ts';
export * from '../tuning/node/run-tuning.ts';
export * from '../tuning/node/write-lesson.ts';
export * from '../doctor/node/examine.ts';
export { openViewReader, viewSamples } from '../inspection/node/inspect.ts';
export { stagesOf } from './stages.ts';
