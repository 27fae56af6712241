/** Teaches in a process of its own and keeps adapters in a folder. */
import { rmSync } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LanguageModel } from '../../auto/index.ts';
import { loadAdapter, resolveModel } from '../../auto/node/index.ts';
import { DataError, TrainingError } from '../../core/index.ts';
import { resize } from '../../data/resize.ts';
import type { Picture } from '../../data/index.ts';
import type { Lesson } from '../../recipe/index.ts';
import {
  type ApartHooks,
  type LessonOrder,
  type LessonOutcome,
  teachApart,
  writeLesson,
} from '../../recipe/node/index.ts';
import type { TuningProgress } from '../tunings/tuning-request.ts';
import type { LessonRequest, Tutor, WrittenLesson } from '../tunings/tutor.ts';

export interface TutorOptions {
  /** Folder in which adapters stay, as MODEL/NAME; a temporary one unless told, which goes away with the server. */
  readonly folder?: string | undefined;
  /** Threads of the engine while it learns; all processors unless told. */
  readonly threads?: number | undefined;
  /** How a lesson is taught; in a process of its own unless told. */
  readonly teach?: (order: LessonOrder, hooks: ApartHooks) => Promise<LessonOutcome>;
}

/** Longest side of pictures that are learned from: models make them smaller, or divide them. */
const MOST_SIDE = 1024;
const TEMPORARY = 'sensorium-adapters-';
/** Folders of lessons that are under way: the process that they belong to, and what makes each one unique. */
const LESSON = '.lesson-';

/** @throws DataError when the folder cannot be made */
export async function openTutor(options: TutorOptions = {}): Promise<Tutor> {
  await sweep(tmpdir(), TEMPORARY);
  let folder = options.folder;
  try {
    if (folder === undefined) folder = await mkdtemp(join(tmpdir(), `${TEMPORARY}${process.pid}-`));
    else await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new DataError(
      `${folder ?? tmpdir()} cannot be made: ${(cause as Error).message}`,
      'name another folder for adapters',
      { cause },
    );
  }
  await sweep(folder, LESSON);
  return new FolderTutor(folder, options);
}

/** Removes what processes left that were killed. */
async function sweep(folder: string, prefix: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const owner = name.startsWith(prefix) ? /^(\d+)-/.exec(name.slice(prefix.length))?.[1] : undefined;
    if (owner !== undefined && !isAlive(Number(owner)))
      await rm(join(folder, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

class FolderTutor implements Tutor {
  readonly #folder: string;
  readonly #options: TutorOptions;
  readonly #lessons = new Set<string>();
  readonly #clean = (): void => {
    for (const lesson of this.#lessons) rmSync(lesson, { recursive: true, force: true });
    if (this.#options.folder === undefined) rmSync(this.#folder, { recursive: true, force: true });
  };

  constructor(folder: string, options: TutorOptions) {
    this.#folder = folder;
    this.#options = options;
    // However the process ends, short of being killed.
    process.once('exit', this.#clean);
  }

  async write({ base, model, name, examples }: LessonRequest): Promise<WrittenLesson> {
    const kept = join(this.#folder, base.replaceAll('/', '--'), name);
    if (
      await access(kept).then(
        () => true,
        () => false,
      )
    )
      throw new DataError(`there is an adapter ${name} of ${base} already`, 'give another name');
    const folder = await this.#written(() => mkdtemp(join(this.#folder, `${LESSON}${process.pid}-`)));
    this.#lessons.add(folder);
    try {
      const data = await this.#written(() => writeLesson(join(folder, 'data'), lessonsOf(examples)));
      return {
        teach: async (how) => this.#teach({ folder, data, kept, model }, how),
        discard: () => this.#discard(folder),
      };
    } catch (error) {
      await this.#discard(folder);
      throw error;
    }
  }

  async dispose(): Promise<void> {
    process.off('exit', this.#clean);
    for (const lesson of this.#lessons) await this.#discard(lesson);
    if (this.#options.folder === undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  async #teach(
    { folder, data, kept, model }: { folder: string; data: string; kept: string; model: LanguageModel },
    { seconds, signal, onProgress }: Parameters<WrittenLesson['teach']>[0],
  ): ReturnType<WrittenLesson['teach']> {
    const { threads, teach = teachApart } = this.#options;
    // The model was loaded from there: nothing is fetched.
    const source = await resolveModel(model.name, { offline: true });
    const order: LessonOrder = {
      model: source,
      data,
      output: join(folder, 'run'),
      seconds,
      ...(threads === undefined ? {} : { threads }),
    };
    const outcome = await this.#written(() =>
      teach(order, { signal, scratch: folder, onProgress: (progress) => onProgress(finite(progress)) }),
    );
    const { adapter, ...result } = outcome;
    return {
      adapter: await loadAdapter(model, adapter),
      result,
      keep: () =>
        this.#written(async () => {
          await mkdir(join(kept, '..'), { recursive: true });
          // Within one file system, so that it is there as a whole or not at all.
          await rename(adapter, kept);
        }),
    };
  }

  async #discard(folder: string): Promise<void> {
    await rm(folder, { recursive: true, force: true });
    this.#lessons.delete(folder);
  }

  /** Does a work whose faults must not tell others where on this machine it was done. */
  async #written<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      const hide = (text: string): string => text.replaceAll(this.#folder, '…');
      if (cause instanceof TrainingError) throw new TrainingError(hide(cause.said), cause.hint, { cause });
      if (cause instanceof DataError && cause.said.includes(this.#folder))
        throw new DataError(hide(cause.said), cause.hint, { cause });
      if (cause instanceof Error && 'syscall' in cause)
        throw new TrainingError(hide(`the lesson cannot be written: ${cause.message}`), 'check the disk', { cause });
      throw cause;
    }
  }
}

async function* lessonsOf(examples: LessonRequest['examples']): AsyncGenerator<Lesson, void, void> {
  for await (const { picture, text } of examples) yield { picture: shrunk(picture), names: { en: text, zh: text } };
}

function shrunk(picture: Picture): Picture {
  const scale = MOST_SIDE / Math.max(picture.width, picture.height);
  if (scale >= 1) return picture;
  const side = (length: number): number => Math.max(1, Math.round(length * scale));
  return resize(picture, side(picture.width), side(picture.height));
}

/** JSON has no NaN. */
function finite({
  step,
  progress,
  seconds,
  loss,
  accuracy,
}: Parameters<NonNullable<ApartHooks['onProgress']>>[0]): TuningProgress {
  const number = (value: number): number | null => (Number.isFinite(value) ? value : null);
  return { step, progress, seconds, loss: number(loss), accuracy: number(accuracy) };
}
