/** What the doctor says of a recipe. */

/** An error spoils or ends the run; a warning costs quality or time and may be meant; a note is only told. */
export type FindingLevel = 'error' | 'warning' | 'note';

export interface RecipeFinding {
  readonly level: FindingLevel;
  /** Which check, in one word, such as `image-tokens`. Stays the same, so that scripts can ask for it. */
  readonly check: string;
  /** A key of the recipe, a sample, a file. */
  readonly where: string;
  readonly message: string;
  /** What to do. */
  readonly hint?: string;
}

const ORDER: readonly FindingLevel[] = ['error', 'warning', 'note'];

/**
 * The worst first, and of what was found in many places the first few: the last of them says how many more there are.
 * @param most of one check and level
 */
export function orderFindings(findings: readonly RecipeFinding[], most = 3): RecipeFinding[] {
  const groups = new Map<string, RecipeFinding[]>();
  for (const finding of findings) {
    const key = `${finding.level} ${finding.check}`;
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  const shown = [...groups.values()].flatMap((group) => {
    const left = group.length - most;
    if (left <= 0) return group;
    const last = group[most - 1]!;
    return [...group.slice(0, most - 1), { ...last, message: `${last.message} (and ${left} more like it)` }];
  });
  return ORDER.flatMap((level) => shown.filter((finding) => finding.level === level));
}
