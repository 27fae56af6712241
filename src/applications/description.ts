import type { Application, Texts } from './application.ts';
import { schemaOf } from './form.ts';

/** An application as plain data, for programs and pages. */
export interface ApplicationDescription extends Omit<Application, 'answer' | 'review' | 'sample'> {
  /** JSON schema of the answer; its warning may be in either language. */
  readonly schema: Readonly<Record<string, unknown>>;
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
