import { realpathSync } from 'node:fs';
import koffi from 'koffi';
import { DeviceError } from '../../core/index.ts';
import type { CompileOptions, ProgramSource } from '../types.ts';
import { allocateWords, freeWords, type EngineLibrary, type Pointer } from './engine-library.ts';

/** GraphOptimizationLevel of the C API. */
const LEVELS = { disabled: 0, basic: 1, extended: 2, all: 99 } as const;

/** Device-specific part of the session options. */
export type AppendProvider = (options: Pointer) => void;

/** Says that the environment has no threads to share: somebody else in this process, as the binding, made it. */
const NOTHING_SHARED = /CreateEnvWithGlobalThreadPools/;
let sharing = true;

/** Compiles a model on a worker thread. @throws DeviceError with the engine's message when it refuses the model. */
export async function createSession(
  engine: EngineLibrary,
  source: ProgramSource,
  options: CompileOptions,
  threads: number,
  appendProvider?: AppendProvider,
): Promise<Pointer> {
  // Shared threads spin while they wait; who does not want that gets threads of their own.
  const shared = sharing && threads === engine.sharedThreads && options.spinning !== false;
  try {
    return await compile(engine, source, options, shared ? 'shared' : threads, appendProvider);
  } catch (error) {
    if (!shared || !(error instanceof DeviceError) || !NOTHING_SHARED.test(error.message)) throw error;
    sharing = false;
    return await compile(engine, source, options, threads, appendProvider);
  }
}

async function compile(
  engine: EngineLibrary,
  source: ProgramSource,
  options: CompileOptions,
  threads: number | 'shared',
  appendProvider?: AppendProvider,
): Promise<Pointer> {
  const settings = engine.create('CreateSessionOptions');
  // Both lie in native memory, because another thread uses them: the model's bytes and the word that receives the session.
  const model = koffi.alloc('uint8_t', Math.max(source.bytes.byteLength, 1)) as Pointer;
  const received = allocateWords(1);
  try {
    configure(engine, settings, source, options, threads);
    appendProvider?.(settings);
    new Uint8Array(koffi.view(model, Math.max(source.bytes.byteLength, 1)) as ArrayBuffer).set(source.bytes);
    await engine.callAsync(
      'CreateSessionFromArray',
      engine.environment,
      model,
      source.bytes.byteLength,
      settings,
      received.pointer,
    );
    return received.words[0]!;
  } finally {
    engine.release('ReleaseSessionOptions', settings);
    koffi.free(model);
    freeWords(received);
  }
}

/** OrtArenaAllocator and OrtMemTypeDefault of the C API. */
const ARENA = 1;
const DEFAULT_MEMORY = 0;
let registered = false;

/** Gives the environment an arena that sessions can share. */
function registerPool(engine: EngineLibrary): void {
  if (registered) return;
  registered = true;
  const info = engine.create('CreateCpuMemoryInfo', ARENA, DEFAULT_MEMORY);
  try {
    engine.call('CreateAndRegisterAllocator', engine.environment, info, null);
  } catch (error) {
    // Another thread of the process has done it, or the engine will not: then sessions have arenas of their own.
    if (!(error instanceof DeviceError)) throw error;
  } finally {
    engine.release('ReleaseMemoryInfo', info);
  }
}

function configure(
  engine: EngineLibrary,
  settings: Pointer,
  source: ProgramSource,
  options: CompileOptions,
  threads: number | 'shared',
): void {
  engine.call('SetSessionGraphOptimizationLevel', settings, LEVELS[options.optimization ?? 'all']);
  if (threads === 'shared') engine.call('DisablePerSessionThreads', settings);
  else engine.call('SetIntraOpNumThreads', settings, threads);
  engine.call('SetInterOpNumThreads', settings, 1);
  if (options.memoryPattern === false) engine.call('DisableMemPattern', settings);
  if (options.pooled === true) {
    registerPool(engine);
    engine.call('AddSessionConfigEntry', settings, 'session.use_env_allocators', '1');
  }
  for (const [key, value] of Object.entries(sessionConfig(source, options))) {
    engine.call('AddSessionConfigEntry', settings, key, value);
  }
}

/** The session's configuration entries, as both backends of Node take them. */
export function sessionConfig(source: ProgramSource, options: CompileOptions): Record<string, string> {
  const config: Record<string, string> = {};
  if (options.disablePrepacking === true) config['session.disable_prepacking'] = '1';
  if (options.spinning === false) config['session.intra_op.allow_spinning'] = '0';
  if (source.externalFolder !== undefined) {
    config['session.model_external_initializers_file_folder_path'] = realFolder(source.externalFolder);
  }
  return { ...config, ...options.config };
}

function realFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch (cause) {
    throw new DeviceError(`the folder of the weights, ${folder}, cannot be read`, 'check that it exists', { cause });
  }
}
