import { describe, expect, it } from 'vitest';
import { QueueLimit } from '../../../../src/serve/limits/queue-limit.ts';
import { Quotas } from '../../../../src/serve/limits/quotas.ts';
import { TokenBucket } from '../../../../src/serve/limits/token-bucket.ts';

describe('TokenBucket', () => {
  it('fills at its rate, up to its brim', () => {
    let now = 0;
    const bucket = new TokenBucket(10, 2, () => now);
    expect(bucket.wait(10)).toBe(0);
    bucket.take(10);
    expect(bucket.wait(1)).toBe(0.5);
    now = 3;
    expect(bucket.level).toBe(6);
    expect(bucket.wait(10)).toBe(2);
    now = 1000;
    expect(bucket.level).toBe(10);
    // More than it can hold is a full one, and not for ever.
    expect(bucket.wait(50)).toBe(0);
  });

  it('goes into debt', () => {
    let now = 0;
    const bucket = new TokenBucket(10, 2, () => now);
    bucket.take(30);
    expect(bucket.level).toBe(-20);
    expect(bucket.wait(1)).toBe(10.5);
    now = 10.5;
    expect(bucket.wait(1)).toBe(0);
  });
});

describe('Quotas', () => {
  it('bounds requests of each owner alone', () => {
    let now = 0;
    const quotas = new Quotas({ requests: 2 }, () => now);
    expect(quotas.admit('a').allowed).toBe(true);
    expect(quotas.admit('a').allowed).toBe(true);
    expect(quotas.admit('a')).toEqual({ allowed: false, what: 'requests', limit: 2, seconds: 30 });
    expect(quotas.admit('b').allowed).toBe(true);
    now = 30;
    expect(quotas.admit('a').allowed).toBe(true);
    expect(quotas.admit('a').allowed).toBe(false);
  });

  it('charges tokens afterwards, and takes no request when there is a debt', () => {
    let now = 0;
    const quotas = new Quotas({ requests: 100, tokens: 60 }, () => now);
    expect(quotas.admit('a').allowed).toBe(true);
    quotas.spend('a', 70);
    for (let i = 0; i < 200; i++)
      expect(quotas.admit('a')).toMatchObject({ allowed: false, what: 'tokens', limit: 60, seconds: 11 });
    now = 11;
    expect(quotas.admit('a').allowed).toBe(true);
  });

  it('gives a key its own limits, and no limit without one', () => {
    const quotas = new Quotas({ requests: 1 }, () => 0);
    const own = { requests: 3 };
    for (let i = 0; i < 3; i++) expect(quotas.admit('a', own).allowed).toBe(true);
    expect(quotas.admit('a', own).allowed).toBe(false);
    const free = new Quotas();
    free.spend('nobody', 10);
    for (let i = 0; i < 1000; i++) expect(free.admit('a').allowed).toBe(true);
  });
});

describe('QueueLimit', () => {
  it('lets so many in and no more', () => {
    const queue = new QueueLimit(2, () => 0);
    const first = queue.enter()!;
    queue.enter();
    expect(queue.enter()).toBeUndefined();
    first();
    first();
    expect(queue.underWay).toBe(1);
    expect(queue.enter()).toBeDefined();
    expect(queue.enter()).toBeUndefined();
  });

  it('estimates from the pauses between ends when to come again', () => {
    let now = 0;
    const queue = new QueueLimit(3, () => now);
    expect(queue.retryAfter).toBe(1);
    const leave = [queue.enter()!, queue.enter()!, queue.enter()!];
    now = 100;
    leave[0]!();
    expect(queue.retryAfter).toBe(1);
    now = 104;
    leave[1]!();
    expect(queue.retryAfter).toBe(8);
    leave[2]!();
    // Idle for an hour, which is no pause between ends.
    now = 4000;
    queue.enter()!();
    expect(queue.retryAfter).toBeLessThan(9);
    now = 5000;
    const [a, b] = [queue.enter()!, queue.enter()!];
    a();
    now = 9000;
    b();
    expect(queue.retryAfter).toBe(60);
  });
});
