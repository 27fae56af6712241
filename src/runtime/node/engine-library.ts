import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import koffi, { type TypeObject } from 'koffi';
import { DeviceError } from '../../core/index.ts';
import { ORT_API, ORT_API_VERSION } from './ort-api.generated.ts';

/** An address in native memory. koffi gives null for a null pointer. */
export type Pointer = bigint;
type Argument = Pointer | null | number | string;

/**
 * What a call into the engine looks like: status = it returns an OrtStatus*, null when all went well.
 * P is any pointer, S a string that is only read during the call, I an int, U a size_t, L an int64.
 */
const SIGNATURES = {
  CreateThreadingOptions: 'P',
  SetGlobalIntraOpNumThreads: 'PI',
  SetGlobalInterOpNumThreads: 'PI',
  CreateEnvWithGlobalThreadPools: 'ISPP',
  CreateSessionOptions: 'P',
  SetSessionGraphOptimizationLevel: 'PI',
  SetIntraOpNumThreads: 'PI',
  DisablePerSessionThreads: 'P',
  SetInterOpNumThreads: 'PI',
  DisableMemPattern: 'P',
  AddSessionConfigEntry: 'PSS',
  SessionOptionsAppendExecutionProvider: 'PSPPU',
  CreateSessionFromArray: 'PPUPP',
  CreateCpuMemoryInfo: 'IIP',
  CreateAndRegisterAllocator: 'PPP',
  CreateMemoryInfo: 'SIIIP',
  CreateAllocator: 'PPP',
  GetAllocatorWithDefaultOptions: 'P',
  AllocatorAlloc: 'PUP',
  AllocatorFree: 'PP',
  CreateTensorWithDataAsOrtValue: 'PPUPUIP',
  CreateTensorAsOrtValue: 'PPUIP',
  GetTensorMutableData: 'PP',
  GetTensorTypeAndShape: 'PP',
  GetTensorElementType: 'PP',
  GetDimensionsCount: 'PP',
  GetDimensions: 'PPU',
  GetAvailableProviders: 'PP',
  ReleaseAvailableProviders: 'PI',
  Run: 'PPPPUPUP',
  CreateIoBinding: 'PP',
  BindInput: 'PSP',
  BindOutput: 'PSP',
  BindOutputToDevice: 'PSP',
  GetBoundOutputValues: 'PPPP',
  RunWithBinding: 'PPP',
} as const;

/** Calls that return nothing and cannot fail. */
const RELEASES = [
  'ReleaseThreadingOptions',
  'ReleaseSession',
  'ReleaseSessionOptions',
  'ReleaseValue',
  'ReleaseMemoryInfo',
  'ReleaseAllocator',
  'ReleaseTensorTypeAndShapeInfo',
  'ReleaseIoBinding',
  'ReleaseStatus',
] as const;

type StatusCall = (...args: Argument[]) => Pointer | null;
interface NativeFunction {
  (...args: Argument[]): unknown;
  async(...args: [...Argument[], (error: unknown, result: unknown) => void]): void;
}

/** One loaded engine: the shared library of onnxruntime-node, its functions and the process's one environment. */
export interface EngineLibrary {
  /** Folder of the shared library; the libraries of further devices lie in it. */
  readonly folder: string;
  /** E.g. `1.30.0`. */
  readonly version: string;
  readonly environment: Pointer;
  /**
   * Size of the pool of threads that the environment keeps for all sessions of this size. With a pool each, the threads of
   * one program would still spin, waiting for more, while the next one runs.
   */
  readonly sharedThreads: number;
  /** OrtMemoryInfo of ordinary memory. */
  readonly cpuMemory: Pointer;
  /** The engine's plain allocator: malloc, aligned to 64 bytes, giving back to the system. */
  readonly allocator: Pointer;
  /** Calls a function of the engine on this thread. @throws DeviceError with the engine's message. */
  call(name: keyof typeof SIGNATURES, ...args: Argument[]): void;
  /** As `call` for a function whose last argument receives a pointer; returns that pointer. */
  create(name: keyof typeof SIGNATURES, ...args: Argument[]): Pointer;
  /** Calls a function on a worker thread. What the pointers point at must stay in place until then. */
  callAsync(name: keyof typeof SIGNATURES, ...args: Argument[]): Promise<void>;
  release(name: (typeof RELEASES)[number], object: Pointer): void;
  /** Appends CUDA through the one function that is exported for it. */
  appendCuda(options: Pointer): void;
}

/** A slot of native memory and a view of it, for arguments that receive pointers. */
export interface Words {
  readonly pointer: Pointer;
  readonly words: BigInt64Array;
}

/** `count` zeroed 8-byte words that never move. Freed with `koffi.free`; most live as long as the process. */
export function allocateWords(count: number): Words {
  const pointer = koffi.alloc('int64_t', Math.max(count, 1)) as Pointer;
  const words = new BigInt64Array(koffi.view(pointer, Math.max(count, 1) * 8));
  words.fill(0n);
  return { pointer, words };
}

export function freeWords(words: Words): void {
  koffi.free(words.pointer);
}

const STACK = 8 * 2 ** 20;

let loaded: EngineLibrary | undefined;

/** Loads the engine once per process. @throws DeviceError when it is missing or speaks another version of its C API. */
export function engineLibrary(): EngineLibrary {
  loaded ??= loadEngine();
  return loaded;
}

/** The folder in which onnxruntime-node keeps the libraries for this platform. */
export function engineFolder(): string {
  const main = createRequire(import.meta.url).resolve('onnxruntime-node');
  return join(dirname(main), '..', 'bin', 'napi-v6', process.platform, process.arch);
}

function findLibrary(folder: string): string {
  const name = /^(libonnxruntime\.so(\.\d+)*|libonnxruntime(\.\d+)*\.dylib|onnxruntime\.dll)$/;
  let files: string[] = [];
  try {
    files = readdirSync(folder).filter((file) => name.test(file));
  } catch {
    // Reported below: a missing folder and an empty one mean the same.
  }
  const file = files.sort((a, b) => a.length - b.length)[0];
  if (file === undefined) {
    throw new DeviceError(
      `ONNX Runtime's library for ${process.platform}/${process.arch} is not in ${folder}`,
      'install onnxruntime-node again, or use a platform that it supports',
    );
  }
  return join(folder, file);
}

function loadEngine(): EngineLibrary {
  const folder = engineFolder();
  const path = findLibrary(folder);
  // koffi runs native code on stacks of its own; its 128 KiB for worker threads are too little for shader compilation
  // (it crashes), so they get what a main thread has on Linux. Only what is used of them takes memory.
  koffi.config({ ...koffi.config(), sync_stack_size: STACK, async_stack_size: STACK });
  const library = koffi.load(path);
  const pointer = koffi.pointer('void');
  const types = { P: pointer, S: 'str', I: 'int', U: 'size_t', L: 'int64_t' } as const;

  // struct OrtApiBase { GetApi(version); GetVersionString(); }
  const base = library.func('OrtGetApiBase', pointer, [])() as Pointer;
  const member = (table: Pointer, index: number, result: string | TypeObject, parameters: string): NativeFunction => {
    const proto = koffi.proto(
      result,
      [...parameters].map((letter) => types[letter as keyof typeof types]),
    );
    return koffi.decode(koffi.decode(table, index * 8, pointer) as Pointer, proto) as NativeFunction;
  };
  const version = member(base, 1, 'str', '')() as string;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  // The C API only ever grows, so a later engine serves an older version of it; asking an older engine would print an error.
  const suits = major === 1 && minor >= ORT_API_VERSION;
  const table = suits ? (member(base, 0, pointer, 'I')(ORT_API_VERSION) as Pointer | null) : null;
  if (table === null) {
    throw new DeviceError(
      `ONNX Runtime ${version} at ${path} does not offer version ${ORT_API_VERSION} of its C API`,
      `install onnxruntime-node 1.${ORT_API_VERSION} or a later 1.x`,
    );
  }

  const functions = {} as Record<keyof typeof SIGNATURES, NativeFunction>;
  for (const [name, parameters] of Object.entries(SIGNATURES) as [keyof typeof SIGNATURES, string][]) {
    functions[name] = member(table, ORT_API[name], pointer, parameters);
  }
  const releases = {} as Record<(typeof RELEASES)[number], NativeFunction>;
  for (const name of RELEASES) releases[name] = member(table, ORT_API[name], 'void', 'P');
  const errorMessage = member(table, ORT_API.GetErrorMessage, 'str', 'P');

  const check = (name: string, status: unknown): void => {
    if (status === null) return;
    const message = errorMessage(status as Pointer) as string;
    releases.ReleaseStatus(status as Pointer);
    throw new DeviceError(`ONNX Runtime: ${message}`, undefined, { cause: { call: name } });
  };
  const received = allocateWords(1);
  const call: EngineLibrary['call'] = (name, ...args) => check(name, (functions[name] as StatusCall)(...args));
  const create: EngineLibrary['create'] = (name, ...args) => {
    received.words[0] = 0n;
    call(name, ...args, received.pointer);
    return received.words[0];
  };
  const sharedThreads = availableParallelism();
  const threading = create('CreateThreadingOptions');
  call('SetGlobalIntraOpNumThreads', threading, sharedThreads);
  call('SetGlobalInterOpNumThreads', threading, 1);
  // Level 4 = fatal errors only: warnings are no news to a user, and errors come back as errors.
  const environment = create('CreateEnvWithGlobalThreadPools', 4, 'sensorium', threading);
  releases.ReleaseThreadingOptions(threading);
  return {
    folder,
    version,
    environment,
    sharedThreads,
    cpuMemory: create('CreateCpuMemoryInfo', 0, 0),
    allocator: create('GetAllocatorWithDefaultOptions'),
    call,
    create,
    callAsync: (name, ...args) =>
      new Promise((resolve, reject) => {
        functions[name].async(...args, (error, status) => {
          try {
            if (error instanceof Error) {
              throw new DeviceError(`calling ONNX Runtime failed: ${error.message}`, undefined, { cause: error });
            }
            check(name, status);
            resolve();
          } catch (failure) {
            reject(failure as Error);
          }
        });
      }),
    release: (name, object) => {
      releases[name](object);
    },
    appendCuda: (options) => {
      const append = library.func('OrtSessionOptionsAppendExecutionProvider_CUDA', pointer, [pointer, 'int']);
      check('AppendExecutionProvider_CUDA', append(options, 0));
    },
  };
}
