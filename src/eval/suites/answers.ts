/** When an answer counts as the right one. */

/**
 * An answer as it is compared: compatibility forms made one (NFKC), lower case, white space as one space, no quotes around it
 * and no full stop at its end. Articles stay: what is asked for is the answer, and not something like it.
 */
export function plainAnswer(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[“”„«»]/g, '"')
    .replaceAll(/[‘’]/g, "'")
    .replace(/^["'「『\s]+/, '')
    .replace(/["'」』\s.。!！]+$/, '');
}

/** Whether an answer is one of those that are right. */
export function isRight(answer: string, right: readonly string[]): boolean {
  const plain = plainAnswer(answer);
  return right.some((each) => plainAnswer(each) === plain);
}

const ARTICLES = new Set(['a', 'an', 'the']);
const NUMBERS = new Map(
  ['none', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'].map((word, i) => [word, i]),
);
NUMBERS.set('zero', 0);

/**
 * An answer of a person as datasets of photographs compare it: as {@link plainAnswer}, without articles and punctuation,
 * numbers up to ten in digits (after the rules of the VQA evaluation, Antol et al. 2015, arXiv 1505.00468).
 */
export function looseAnswer(text: string): string {
  return plainAnswer(text)
    .replaceAll(/(\d),(?=\d)/g, '$1')
    .replaceAll(/(?!['.-])\p{P}|\.(?!\d)/gu, ' ')
    .split(' ')
    .filter((word) => word !== '' && !ARTICLES.has(word))
    .map((word) => String(NUMBERS.get(word) ?? word))
    .join(' ');
}

/**
 * Agreement with people's answers: the mean, over the subsets of all but one of them, of min(1, matches / 3), as the VQA
 * evaluation averages it (Antol et al. 2015). With fewer than three people, 1 where one of them says the same.
 */
export function softAccuracy(answer: string, people: readonly string[]): number {
  const said = looseAnswer(answer);
  const matches = people.filter((each) => looseAnswer(each) === said).length;
  if (people.length < 3) return Math.min(1, matches);
  const without = (left: number): number => Math.min(1, left / 3);
  return (matches * without(matches - 1) + (people.length - matches) * without(matches)) / people.length;
}
