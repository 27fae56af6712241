import type { Application, Texts } from './application.ts';
import { schemaOf } from './form.ts';

/** An application as plain data, for programs and pages. */
export interface ApplicationDescription {
  readonly id: string;
  readonly title: Texts;
  readonly description: Texts;
  readonly warning?: Texts;
  readonly system: Texts;
  /** What the user adds comes after it, behind an empty line. */
  readonly prompt: Texts;
  readonly input: Texts;
  /** JSON schema of the answer; its warning may be in either language. */
  readonly schema: Readonly<Record<string, unknown>>;
  readonly labels: Readonly<Record<string, Texts>>;
  readonly sample: { readonly picture: string; readonly text: Texts };
}

/** @param picture of the sample, as an address */
export function describe(application: Application, picture: string): ApplicationDescription {
  const { id, title, description, warning, system, prompt, input, labels, sample } = application;
  return {
    id,
    title,
    description,
    ...(warning === undefined ? {} : { warning }),
    system,
    prompt,
    input,
    schema: schemaOf(application),
    labels,
    sample: { picture, text: sample.text },
  };
}
