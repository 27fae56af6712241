import { describe, expect, it } from 'vitest';
import { LANGUAGES } from '../../../src/data/emoji/concepts.ts';
import { HARDNESSES } from '../../../src/data/emoji/statements.ts';
import { STATEMENT_KINDS } from '../../../src/data/emoji/templates.ts';
import { emojiResult, statementThreshold, type ScoredStatement } from '../../../src/eval/emoji-statements.ts';

/** One statement of each language, kind and hardness, twice for true ones, scored by a function. */
function statements(score: (hardness: string, language: string) => number): ScoredStatement[] {
  return LANGUAGES.flatMap((language) =>
    STATEMENT_KINDS.flatMap((kind) =>
      ['true', ...HARDNESSES].map((hardness, i) => ({
        statement: {
          text: '',
          language,
          kind,
          hardness: hardness as 'true',
          label: hardness === 'true',
          concept: i,
          words: 'x',
          about: i,
        },
        score: score(hardness, language),
        id: `${i}`,
      })),
    ),
  );
}

describe('figures of emoji statements', () => {
  it('tell the halves apart', () => {
    // True ones are found, random false ones too, hard ones never.
    const result = emojiResult(
      statements((hardness) => ({ true: 2, random: -2, hard: 3 })[hardness]!),
      0,
    );
    expect(result.random.balancedAccuracy).toBe(1);
    expect(result.hard.balancedAccuracy).toBe(0.5);
    expect(result.overall.balancedAccuracy).toBe(0.75);
    expect(result.overall).toMatchObject({ truths: { right: 12, total: 12 }, falses: { right: 6, total: 12 } });
    expect(result.overall.low).toBeLessThan(0.75);
    expect(result.overall.high).toBeGreaterThan(0.75);
    expect(Object.keys(result.byKind)).toEqual([...STATEMENT_KINDS]);
  });

  it('tell languages apart', () => {
    const { byLanguage } = emojiResult(
      statements((hardness, language) => (language === 'en' ? Number(hardness === 'true') - 0.5 : 1)),
      0,
    );
    expect(byLanguage['en']!.overall.balancedAccuracy).toBe(1);
    expect(byLanguage['zh']!.overall.balancedAccuracy).toBe(0.5);
  });

  it('use a threshold that lies between the scores of true and false ones', () => {
    expect(statementThreshold(statements((hardness) => (hardness === 'true' ? 5 : 3)))).toBe(4);
  });
});
