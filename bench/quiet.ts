/** Telling whether somebody else used the processors during a measurement. Linux alone says so; elsewhere nobody did. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Hundredths of a second, the unit of these files. */
interface Ticks {
  /** Of all processes. */
  readonly busy: number;
  /** Of this process and of the one that is watched. */
  readonly own: number;
}

function numbers(file: string, from: number, count: number): number[] {
  // The name of a process, in parentheses, may hold spaces.
  const text = readFileSync(file, 'utf8');
  return text
    .slice(text.lastIndexOf(')') + 1)
    .trim()
    .split(/\s+/)
    .slice(from, from + count)
    .map(Number);
}

function ticks(pid: number): Ticks {
  try {
    const [user, nice, system, , , irq, softirq] = numbers('/proc/stat', 1, 7) as [number, ...number[]];
    const process = (id: number | 'self'): number => numbers(`/proc/${id}/stat`, 11, 2).reduce((a, b) => a + b, 0);
    return {
      busy: user + (nice ?? 0) + (system ?? 0) + (irq ?? 0) + (softirq ?? 0),
      own: process('self') + process(pid),
    };
  } catch {
    return { busy: 0, own: 0 };
  }
}

/** Runs something that keeps process `pid` busy. @returns its result, and others' share of all processors from 0 to 1 */
export async function watched<T>(pid: number, run: () => Promise<T>): Promise<{ result: T; disturbance: number }> {
  const before = ticks(pid);
  const start = performance.now();
  const result = await run();
  const hundredths = (performance.now() - start) / 10;
  const after = ticks(pid);
  const others = after.busy - before.busy - (after.own - before.own);
  return { result, disturbance: Math.max(0, others / (hundredths * availableParallelism())) };
}

export interface Sample {
  readonly value: number;
  readonly disturbance: number;
}

/** Disturbances beyond this share are left out where enough samples are better. */
const BEARABLE = 0.05;

/** The samples that count: undisturbed ones, or where those are fewer than `least` the least disturbed ones. */
export function undisturbed(samples: readonly Sample[], least: number): Sample[] {
  const sorted = [...samples].sort((a, b) => a.disturbance - b.disturbance);
  const quiet = sorted.filter(({ disturbance }) => disturbance <= BEARABLE).length;
  return sorted.slice(0, Math.max(quiet, least));
}
