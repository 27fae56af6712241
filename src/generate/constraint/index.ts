/** What answers must look like: JSON of a schema, a regular expression, or one of several texts. */
import { GenerationError } from '../../core/index.ts';
import type { TokenBytes } from '../../data/index.ts';
import { letter } from './code-points.ts';
import type { ConstraintFactory } from './constraint.ts';
import { type Expression, Expressions } from './expression.ts';
import { Grammar } from './grammar.ts';
import { schemaExpression } from './json-schema.ts';
import { patternExpression } from './pattern.ts';
import { TokenTree } from './vocabulary.ts';

export type { Constraint, ConstraintFactory } from './constraint.ts';
export { wholeJson } from './whole-json.ts';

const MAX_CHOICE_LETTERS = 500_000;
const MAX_CHOICES = 4000;

/** Trees are large and take a moment; one serves all constraints over its vocabulary. */
const trees = new WeakMap<TokenBytes, TokenTree>();

/**
 * Answers that are JSON of a schema. Keys come in the order of the schema; where it names keys no others are written; one
 * space may follow commas and colons. Of JSON Schema 2020-12 it takes types, properties, required, additionalProperties,
 * items, minItems, maxItems, pattern (or) minLength, maxLength, minimum, maximum and their exclusive forms, enum, const,
 * anyOf, oneOf whose choices are apart, and $ref within the schema, recursive too, to any depth.
 * @param schema parsed JSON
 * @param vocabulary of the model's tokenizer: `tokenizer.tokenBytes()`
 * @throws GenerationError for a schema that no value fits, or that says what cannot be kept to
 */
export function jsonSchemaConstraint(schema: unknown, vocabulary: TokenBytes): ConstraintFactory {
  return constraint(vocabulary, (expressions) => schemaExpression(expressions, schema));
}

/**
 * Answers that match a pattern as a whole. JavaScript's syntax with the flag `u`, but for lookarounds, backreferences, word
 * boundaries and properties of Unicode.
 * @throws GenerationError for a pattern that is not regular or too large
 */
export function regexConstraint(pattern: string | RegExp, vocabulary: TokenBytes): ConstraintFactory {
  if (typeof pattern !== 'string' && /[imsvy]/.test(pattern.flags))
    throw new GenerationError(`a pattern with the flags ${pattern.flags}`, 'use u and g only');
  const source = typeof pattern === 'string' ? pattern : pattern.source;
  return constraint(vocabulary, (expressions) =>
    patternExpression(expressions, source, { letter: (set) => letter(expressions, set), search: false }),
  );
}

/** Answers that are one of the texts. @throws GenerationError for too many, or none */
export function choicesConstraint(choices: readonly string[], vocabulary: TokenBytes): ConstraintFactory {
  const letters = choices.reduce((sum, { length }) => sum + length, 0);
  if (letters === 0 || letters > MAX_CHOICE_LETTERS || choices.length > MAX_CHOICES)
    throw new GenerationError(
      `${choices.length} choices with ${letters} letters`,
      `give at most ${MAX_CHOICES} with ${MAX_CHOICE_LETTERS} letters together, and not only the empty one`,
    );
  return constraint(vocabulary, (e) => e.choice(...choices.map((text) => e.text(text))));
}

function constraint(vocabulary: TokenBytes, make: (expressions: Expressions) => Expression): ConstraintFactory {
  let tree = trees.get(vocabulary);
  if (tree === undefined) {
    tree = new TokenTree(vocabulary);
    trees.set(vocabulary, tree);
  }
  const expressions = new Expressions();
  return new Grammar(expressions, make(expressions), tree);
}
