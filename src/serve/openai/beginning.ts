/** What answers of all kinds begin with. */

/** A new name for an answer, such as `chatcmpl-…`. */
export function identifier(kind: string, separator = '-'): string {
  return `${kind}${separator}${crypto.randomUUID().replaceAll('-', '')}`;
}

/**
 * Waits for the first event, so that what fails before it can still be told by a status.
 * @throws what making the first event throws
 */
export async function beginning<T>(events: AsyncGenerator<T, void, void>): Promise<AsyncGenerator<T, void, void>> {
  const first = await events.next();
  return (async function* () {
    try {
      if (first.done === true) return;
      yield first.value;
      yield* events;
    } finally {
      // Also where nobody asked for a second event.
      await events.return();
    }
  })();
}
