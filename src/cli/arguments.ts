/** How values of options are read. */
import { InvalidArgumentError } from 'commander';

/** Any number. */
export function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

/** A reader of whole numbers, bounds included. */
export function whole(least: number, most: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  const bounds = most === Number.MAX_SAFE_INTEGER ? `from ${least} up` : `from ${least} to ${most}`;
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !(value >= least && value <= most))
      throw new InvalidArgumentError(`It must be a whole number ${bounds}.`);
    return value;
  };
}

/** A part of a whole, more than nothing. */
export function share(text: string): number {
  const value = number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError('It must be a number above 0, at most 1.');
  return value;
}

/** Two numbers with a hyphen between, or one that is both. */
export function range(text: string): readonly [number, number] {
  const found = /^(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?$/.exec(text);
  if (found === null)
    throw new InvalidArgumentError('It must be one number, or two with a hyphen between, the smaller one first.');
  return [Number(found[1]), Number(found[2] ?? found[1])];
}

/** For an option that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}
