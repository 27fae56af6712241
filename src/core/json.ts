/** Checks on the text of a JSON file that must come before `JSON.parse`, or that it cannot make. */

/** What {@link scanJson} finds. */
export interface JsonScan {
  /** Deepest nesting of objects and arrays. */
  readonly depth: number;
  /** The first key that stands twice in one object. */
  readonly duplicateKey: string | undefined;
  /** How many values there are, give or take empty objects and arrays. */
  readonly values: number;
}

/**
 * Goes over a text once, without building anything that grows with its nesting beyond `maxDepth`.
 *
 * Why: JSON.parse makes gigabytes of objects of megabytes of brackets, and of two equal keys it keeps the last one
 * silently where other readers keep the first, so that one file could mean two things.
 * @param text JSON; what a wrong text gives does not matter, because JSON.parse refuses it afterwards
 * @param maxDepth where to stop; the depth given back is larger by one then
 * @param maxValues as many values at most; the number given back is larger by one then
 * @throws SyntaxError perhaps, where the text is wrong
 */
export function scanJson(text: string, maxDepth: number, maxValues: number = Number.POSITIVE_INFINITY): JsonScan {
  const open: (Set<string> | undefined)[] = [];
  let depth = 0;
  let duplicateKey: string | undefined;
  let values = 1;
  const tokens = /["[\]{},]/g;
  for (let match = tokens.exec(text); match !== null; match = tokens.exec(text)) {
    const token = match[0];
    if (token === '{' || token === '[') {
      open.push(token === '{' ? new Set() : undefined);
      depth = Math.max(depth, open.length);
      if (depth > maxDepth || ++values > maxValues) break;
    } else if (token === ',') {
      if (++values > maxValues) break;
    } else if (token === '}' || token === ']') open.pop();
    else {
      const end = endOfString(text, match.index);
      tokens.lastIndex = end;
      if (duplicateKey !== undefined || !isFollowedByColon(text, end)) continue;
      const key = JSON.parse(text.slice(match.index, end)) as string;
      const keys = open.at(-1);
      if (keys?.has(key) === true) duplicateKey = key;
      keys?.add(key);
    }
  }
  return { depth, duplicateKey, values };
}

/** The position after the string that starts at `start`. No regular expression: a string may be megabytes long. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end + 1;
}

/** Whether an odd number of backslashes stands before a position. */
function isEscaped(text: string, position: number): boolean {
  let first = position;
  while (text[first - 1] === '\\') first--;
  return (position - first) % 2 === 1;
}

function isFollowedByColon(text: string, position: number): boolean {
  let i = position;
  while (i < text.length && ' \t\r\n'.includes(text.charAt(i))) i++;
  return text[i] === ':';
}
