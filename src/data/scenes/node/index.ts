export { openScenes, prepareScenes } from './source.ts';
