/** What one request holds until it is answered, and the signal that ends it before. */
export class RequestScope {
  readonly #controller = new AbortController();
  readonly #endings: (() => void)[] = [];
  #ended = false;

  /** @param signals any of which ends the request */
  constructor(...signals: readonly AbortSignal[]) {
    // Not AbortSignal.any: a signal that lives as long as the server must not keep every request it ever saw.
    for (const signal of signals) {
      // The adapter's reason is a text; what is thrown must be an error, or nobody catches it as one.
      const abort = (): void =>
        this.abort(signal.reason instanceof Error ? signal.reason : new DOMException('the client left', 'AbortError'));
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
      this.#endings.push(() => signal.removeEventListener('abort', abort));
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** @param reason what work that is under way throws */
  abort(reason: unknown): void {
    if (!this.#ended) this.#controller.abort(reason);
  }

  /** Called when the request is over, however it ends; at once where it is over already. */
  onEnd(ending: () => void): void {
    if (this.#ended) ending();
    else this.#endings.push(ending);
  }

  /** Gives everything back; further calls do nothing. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const ending of this.#endings.reverse()) ending();
  }
}
