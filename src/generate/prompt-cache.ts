import { GenerationError } from '../core/index.ts';
import type { Decoding } from './decoding.ts';
import type { DecodingState } from './decoding-state.ts';
import { asPrompt, identities, type Prompt } from './prompt.ts';

/**
 * Keeps what a model has read between calls of {@link generate}, so that the next turn of a conversation reads only what is
 * new. For one prompt at a time and one model.
 */
export class PromptCache {
  readonly #decoding: Decoding;
  #state: DecodingState | undefined;
  /** What the state has read: tokens, and pictures by their keys. */
  #tokens: (number | string)[] = [];
  #taken = false;
  #version: number;

  constructor(decoding: Decoding) {
    this.#decoding = decoding;
    this.#version = decoding.version;
  }

  /**
   * A state that has read the prompt's beginning, and how many tokens that are: never all, since the last one's logits are
   * needed. Give it back with {@link PromptCache.release}.
   * @param capacity tokens of prompt and answer together
   * @throws GenerationError when it is in use, or more tokens are asked for than the model was made for
   */
  async take(prompt: readonly number[] | Prompt, capacity: number): Promise<{ state: DecodingState; known: number }> {
    if (this.#taken)
      throw new GenerationError('a prompt cache serves one answer at a time', 'make one for each answer');
    const wanted = identities(asPrompt(prompt), this.#decoding.imageToken);
    this.#taken = true;
    try {
      // Other adapters are another model.
      if (this.#version !== this.#decoding.version) this.dispose();
      this.#version = this.#decoding.version;
      if (this.#state === undefined || this.#state.capacity < capacity) {
        this.dispose();
        // Room for the next turns too: growing means to read everything again.
        const room = Math.max(capacity, Math.min(this.#decoding.maxLength, 2 ** Math.ceil(Math.log2(capacity) + 1)));
        this.#state = await this.#decoding.start(1, room);
      }
      const most = Math.min(wanted.length - 1, this.#tokens.length);
      let known = 0;
      while (known < most && wanted[known] === this.#tokens[known]) known++;
      this.#state.rewind(known);
      return { state: this.#state, known };
    } catch (error) {
      this.#taken = false;
      throw error;
    }
  }

  /** @param prompt what was taken for  @param answer of which the state may not have read the last token */
  release(prompt: readonly number[] | Prompt, answer: readonly number[] = []): void {
    const tokens = [...identities(asPrompt(prompt), this.#decoding.imageToken), ...answer];
    this.#tokens = tokens.slice(0, this.#state?.lengths[0] ?? 0);
    this.#taken = false;
  }

  dispose(): void {
    this.#state?.dispose();
    this.#state = undefined;
    this.#tokens = [];
  }
}
