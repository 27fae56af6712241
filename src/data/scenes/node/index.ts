export { create as createScenes, prepare as prepareScenes } from './source.ts';
