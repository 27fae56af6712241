/** The candidate that a mistyped word most likely meant, or undefined when none is near. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const flat = (text: string): string => text.toLowerCase().replace(/[-_ ]/g, '');
  let best: string | undefined;
  // A third of the letters may be wrong; one always may, except in words of a letter or two.
  let limit = Math.max(word.length > 2 ? 1 : 0, Math.floor(word.length / 3));
  for (const candidate of candidates) {
    const distance = editDistance(flat(word), flat(candidate));
    if (distance <= limit && (best === undefined || distance < limit)) [best, limit] = [candidate, distance];
  }
  return best;
}

/** Insertions, removals, replacements and swaps of neighbours (Damerau 1964, optimal string alignment). */
export function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, rows[i - 2]![j - 2]! + 1);
      row.push(cost);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
