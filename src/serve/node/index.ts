export { listen, type Listening, type ListenOptions } from './listen.ts';
export { type AdapterToServe, adapterToServe, type ModelToServe, modelToServe, openPool } from './open-pool.ts';
export { pictureReader } from './pictures.ts';
export { openTutor, type TutorOptions } from './tutor.ts';
