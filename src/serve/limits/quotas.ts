/** How much each key may ask for and be answered. */
import { TokenBucket } from './token-bucket.ts';

/** Without a number there is no limit. */
export interface QuotaLimits {
  /** Requests in a minute. */
  readonly requests?: number;
  /** Generated tokens in a minute. */
  readonly tokens?: number;
}

/** What a quota says to a request. */
export type Admission =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly what: 'requests' | 'tokens'; readonly limit: number; readonly seconds: number };

interface Buckets {
  readonly requests: TokenBucket | undefined;
  readonly tokens: TokenBucket | undefined;
}

/**
 * Quotas by owner: each has a minute's worth at once, and gets it back evenly. Answers are charged as they come, so that the
 * last answer before the end of a quota is whole and what it took too much is waited for afterwards.
 */
export class Quotas {
  readonly #usual: QuotaLimits;
  readonly #now: (() => number) | undefined;
  readonly #owners = new Map<string, Buckets>();

  /** @param usual for owners without limits of their own  @param now seconds of a clock that never goes back */
  constructor(usual: QuotaLimits = {}, now?: () => number) {
    this.#usual = usual;
    this.#now = now;
  }

  /** Takes one request from an owner's quota, or says how long to wait. Owners are the names of keys, of which there are few. */
  admit(owner: string, limits: QuotaLimits = {}): Admission {
    const { requests, tokens } = this.#of(owner, limits);
    const late = requests?.wait(1) ?? 0;
    if (late > 0) return { allowed: false, what: 'requests', limit: requests!.capacity, seconds: late };
    // Anything above a debt will do: how long the answer will be is not known.
    const debt = tokens?.wait(1) ?? 0;
    if (debt > 0) return { allowed: false, what: 'tokens', limit: tokens!.capacity, seconds: debt };
    requests?.take(1);
    return { allowed: true };
  }

  /** Charges generated tokens. */
  spend(owner: string, tokens: number): void {
    this.#owners.get(owner)?.tokens?.take(tokens);
  }

  #of(owner: string, limits: QuotaLimits): Buckets {
    const known = this.#owners.get(owner);
    if (known !== undefined) return known;
    const bucket = (minute: number | undefined): TokenBucket | undefined =>
      minute === undefined ? undefined : new TokenBucket(minute, minute / 60, this.#now);
    const made = {
      requests: bucket(limits.requests ?? this.#usual.requests),
      tokens: bucket(limits.tokens ?? this.#usual.tokens),
    };
    this.#owners.set(owner, made);
    return made;
  }
}
