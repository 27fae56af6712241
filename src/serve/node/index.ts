/** The server in Node: `sensorium/serve`. */
export * from '../index.ts';
export { listen, type Listening, type ListenOptions } from './listen.ts';
export { type AdapterToServe, adapterToServe, type ModelToServe, modelToServe, openPool } from './open-pool.ts';
export { openTutor, type TutorOptions } from './tutor.ts';
export { readPageFiles } from './page-files.ts';
export { createMetrics, type Metrics } from './metrics.ts';
export { type PictureLimits, pictureReader } from './picture-reader.ts';
export { readKeys } from './read-keys.ts';
export type { RemoteImageOptions } from './remote-image.ts';
