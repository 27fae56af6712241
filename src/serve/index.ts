export { createServer, type SensoriumServer, type ServerOptions } from './app.ts';
export type { PictureReader, ServeContext, ServeEnv, ServerProblem, Services } from './context.ts';
export { ApiError, type ErrorBody } from './errors.ts';
export type { Answering, AnsweringFactory, AnsweringOptions } from './pool/answering.ts';
export { type BorrowedModel, ModelPool } from './pool/model-pool.ts';
export type { Capability, ServedModel } from './pool/served-model.ts';
export type { Route } from './routes.ts';
