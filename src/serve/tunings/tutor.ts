/** Who teaches. What it takes of files and processes is known to its implementation alone. */
import type { LoadedAdapter, LanguageModel } from '../../auto/index.ts';
import type { Picture } from '../../data/index.ts';
import type { TuningProgress, TuningResult } from './tuning-request.ts';

/** What is to be learned. */
export interface LessonRequest {
  /** Name of the model in the pool, and the model. */
  readonly base: string;
  readonly model: LanguageModel;
  /** Name of the adapter. */
  readonly name: string;
  /** One by one, so that no more than one large picture is in memory. */
  readonly examples: AsyncIterable<{ readonly picture: Picture; readonly text: string }>;
}

/** A lesson that is written down and waits for its turn. */
export interface WrittenLesson {
  /**
   * Teaches it. Once.
   * @throws TrainingError, DataError, CheckpointError; the signal's reason when it is ended
   */
  teach(how: {
    readonly seconds: number;
    readonly signal: AbortSignal;
    readonly onProgress: (progress: TuningProgress) => void;
  }): Promise<{
    readonly adapter: LoadedAdapter;
    readonly result: Omit<TuningResult, 'model'>;
    readonly keep: () => Promise<void>;
  }>;
  /** Removes what is left of it; nothing of what was kept. */
  discard(): Promise<void>;
}

export interface Tutor {
  /** @throws DataError when it cannot be written, or there is an adapter of that name */
  write(lesson: LessonRequest): Promise<WrittenLesson>;
  /** Removes what was only to last as long as the server. Lessons must have ended. */
  dispose(): Promise<void>;
}
