import { TrainingError } from '../core/index.ts';

/** How the weights of a group are trained. */
export interface WeightGroup {
  /** Whether they are trained at all; frozen weights get no gradients. */
  readonly train: boolean;
  /** Factor on the schedule's learning rate, above 0. */
  readonly rate: number;
}

/** Tells by a weight's path how it is trained. */
export type WeightGroups = (path: string) => WeightGroup;

/** @throws TrainingError for a factor that is not a positive number */
export function groupOf(groups: WeightGroups | undefined, path: string): WeightGroup {
  const group = groups?.(path) ?? { train: true, rate: 1 };
  if (group.train && !(group.rate > 0 && Number.isFinite(group.rate)))
    throw new TrainingError(
      `the learning rate of '${path}' is to be multiplied by ${group.rate}`,
      'give a number above 0, or freeze the group',
    );
  return group;
}

/** All weights' groups as a text that is equal where all groups are: neighbours of one group are written as one range. */
export function describeGroups(paths: Iterable<string>, groups: WeightGroups): string {
  const ranges: { first: string; last: string; how: string }[] = [];
  for (const path of paths) {
    const { train, rate } = groupOf(groups, path);
    const how = train ? String(rate) : 'frozen';
    const open = ranges.at(-1);
    if (open?.how === how) open.last = path;
    else ranges.push({ first: path, last: path, how });
  }
  return ranges.map(({ first, last, how }) => `${first === last ? first : `${first}..${last}`}: ${how}`).join('; ');
}
