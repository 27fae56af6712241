import type { LoadedAdapter, LoadedModel } from '../../auto/index.ts';
import { DataError } from '../../core/index.ts';
import { ApiError } from '../errors.ts';
import { type Answering, type AnsweringFactory, BatchedAnswering, TurnByTurn } from './answering.ts';
import { ServedModel } from './served-model.ts';

/** A model that is held, and must be given back. */
export interface BorrowedModel {
  readonly served: ServedModel;
  /** Further calls do nothing. */
  readonly release: () => void;
}

/** How busy a model is. */
export interface ModelState {
  readonly model: string;
  /** Answers that are being written, and prompts that are being read. */
  readonly running: number;
  readonly waiting: number;
  /** What was looked up in caches so far, by the cache's name; of prefixes, in tokens. */
  readonly caches?: Readonly<
    Record<string, { readonly hits: number; readonly misses: number; readonly bytes?: number }>
  >;
}

/** A served model, who holds it, and what frees it. */
interface Place {
  readonly served: ServedModel;
  holders: number;
  removed: boolean;
  readonly free: () => Promise<void>;
  readonly freed: Promise<void>;
  readonly settle: { readonly resolve: () => void; readonly reject: (error: unknown) => void };
}

const NAME = /^[\w][\w./@+-]{0,199}$/;

/** Models and adapters by the names that requests call them by. What is taken out is freed when no request holds it. */
export class ModelPool {
  readonly #places = new Map<string, Place>();
  readonly #bases = new Map<string, { readonly model: LoadedModel; readonly answering: Answering | undefined }>();
  readonly #engine: AnsweringFactory;
  readonly #now: () => number;

  /** @param options.engine how models answer several requests */
  constructor(options: { engine?: AnsweringFactory; now?: () => number } = {}) {
    this.#engine = options.engine ?? ((model) => BatchedAnswering.create(model));
    this.#now = options.now ?? Date.now;
  }

  /** All names, models before their adapters. */
  list(): readonly ServedModel[] {
    return [...this.#places.values()].map(({ served }) => served);
  }

  /** What the models are doing, for whoever watches the server. */
  states(): readonly ModelState[] {
    return [...this.#bases].flatMap(([model, { answering }]) => {
      const stats = answering?.stats;
      if (stats === undefined) return [];
      const { writing, reading, waiting, known, read, prefixBytes } = stats;
      const prefixes = { hits: known, misses: read, bytes: prefixBytes };
      return [{ model, running: writing + reading, waiting, caches: { prefix_tokens: prefixes } }];
    });
  }

  get size(): number {
    return this.#places.size;
  }

  /** The model now belongs to the pool, which disposes of it. @throws DataError for a name that is taken or none */
  async add(name: string, model: LoadedModel): Promise<ServedModel> {
    let language: Answering | undefined;
    try {
      this.#checkFree(name, name);
      language = model.kind === 'language' ? await this.#engine(model) : undefined;
    } catch (error) {
      await model.dispose();
      throw error;
    }
    this.#bases.set(name, { model, answering: language });
    const answering = language ?? new TurnByTurn<LoadedModel>(model);
    const served = new ServedModel(
      { id: name, base: name, created: this.#seconds(), model, adapter: undefined },
      answering,
    );
    this.#put(served, async () => {
      this.#bases.delete(name);
      await language?.dispose();
      await model.dispose();
    });
    return served;
  }

  /**
   * An adapter of a model of the pool, from now on at `base:name`.
   * @throws DataError for a name that is taken or none, or a model that takes no adapters
   */
  addAdapter(base: string, name: string, adapter: LoadedAdapter): ServedModel {
    const known = this.#bases.get(base);
    if (known === undefined || this.#places.get(base)?.removed !== false)
      throw new DataError(`there is no model ${base}`, `load it first; there are ${this.#names()}`);
    if (known.answering === undefined)
      throw new DataError(
        `${base} takes no adapters while it is loaded`,
        'merge them into it: sensorium adapter merge',
      );
    const id = `${base}:${name}`;
    this.#checkFree(id, name);
    const { model, answering } = known;
    const served = new ServedModel({ id, base, created: this.#seconds(), model, adapter }, answering);
    // An adapter holds its model: it goes first.
    const held = this.borrow(base);
    this.#put(served, async () => held.release());
    return served;
  }

  /** @throws ApiError when there is no such model, as OpenAI's interface says it */
  borrow(id: string): BorrowedModel {
    const place = this.#places.get(id);
    if (place === undefined)
      throw new ApiError(404, `there is no model '${id.slice(0, 200)}'`, {
        hint: `there are ${this.#names()}`,
        param: 'model',
        code: 'model_not_found',
      });
    place.holders++;
    let released = false;
    return {
      served: place.served,
      release: () => {
        if (released) return;
        released = true;
        place.holders--;
        this.#freeIfUnused(place);
      },
    };
  }

  /**
   * Takes a name out: no request gets it from now on. A model's adapters go with it.
   * @returns when nobody holds it any more and it is freed
   */
  async remove(id: string): Promise<void> {
    const place = this.#places.get(id);
    if (place === undefined) return;
    if (place.served.adapter === undefined)
      for (const { served } of this.#places.values())
        if (served.base === id && served.adapter !== undefined) void this.remove(served.id).catch(() => {});
    this.#places.delete(id);
    place.removed = true;
    this.#freeIfUnused(place);
    await place.freed;
  }

  /** Takes everything out. */
  async dispose(): Promise<void> {
    const results = await Promise.allSettled([...this.#places.keys()].map((id) => this.remove(id)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  #put(served: ServedModel, free: () => Promise<void>): void {
    let settle: Place['settle'] | undefined;
    const freed = new Promise<void>((resolve, reject) => {
      settle = { resolve, reject };
    });
    // Whoever removes it hears of a failure; nobody else needs to.
    freed.catch(() => {});
    this.#places.set(served.id, { served, holders: 0, removed: false, free, freed, settle: settle! });
  }

  #freeIfUnused({ removed, holders, free, settle }: Place): void {
    if (removed && holders === 0) free().then(settle.resolve, settle.reject);
  }

  #checkFree(id: string, name: string): void {
    if (!NAME.test(name))
      throw new DataError(
        `'${name.slice(0, 200)}' is no name for a model`,
        'use letters, digits and . _ - / @ +, 200 at most',
      );
    if (this.#places.has(id)) throw new DataError(`there is a model ${id} already`, 'give it another name');
  }

  #names(): string {
    const names = [...this.#places.keys()];
    return names.length === 0 ? 'none' : names.slice(0, 20).join(', ') + (names.length > 20 ? ', …' : '');
  }

  #seconds(): number {
    return Math.floor(this.#now() / 1000);
  }
}
