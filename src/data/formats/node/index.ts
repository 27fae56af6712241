export { openSampleSource } from './open-source.ts';
