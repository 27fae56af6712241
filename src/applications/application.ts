/** An application: what a model is told and asked, and the form that its answer must have. */
import type { z } from 'zod';

/** Languages that applications speak. */
export const LANGUAGES = ['en', 'zh'] as const;
export type Language = (typeof LANGUAGES)[number];

/** A text in each of them. */
export type Texts = Readonly<Record<Language, string>>;

/** One of the five. */
export interface Application {
  /** In addresses and commands. */
  readonly id: string;
  readonly title: Texts;
  readonly description: Texts;
  /** What must be read with every answer. It is the first thing in the answer's form, so that no model can leave it out. */
  readonly warning?: Texts;
  readonly system: Texts;
  /** The request. What the user adds comes after it, behind an empty line. */
  readonly prompt: Texts;
  /** What the user adds, in a few words. */
  readonly input: Texts;
  /** The answer without its warning. All texts and lists have bounds, so that every answer ends. */
  readonly answer: z.ZodObject;
  /** Names of the answer's keys for people, by key, those of lists' items too. */
  readonly labels: Readonly<Record<string, Texts>>;
  /**
   * Looks at an answer for what the form cannot forbid.
   * @returns a note for people for each thing that was found
   */
  readonly review?: (answer: unknown, language: Language) => readonly string[];
  readonly sample: {
    /** Name of a picture in `recipes/applications/samples`. */
    readonly picture: string;
    readonly text: Texts;
  };
}

/** The key of the warning in answers. */
export const WARNING = 'warning';

/** A request with what the user adds to it. */
export function promptOf({ prompt }: Application, language: Language, text = ''): string {
  const added = text.trim();
  return added === '' ? prompt[language] : `${prompt[language]}\n\n${added}`;
}
