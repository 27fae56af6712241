import type { JSX } from 'preact';
import { useWords } from '../language/language.ts';
import { useApp } from './app-context.ts';

/** A choice among the models and adapters that the server has. */
export function ModelSelect(props: { label: string; value: string; onChange: (model: string) => void }): JSX.Element {
  const t = useWords();
  const { models } = useApp();
  return (
    <label class="choice">
      <span class="label">{props.label}</span>
      <select
        value={props.value}
        disabled={models.length === 0}
        onChange={(event) => props.onChange(event.currentTarget.value)}
      >
        {models.length === 0 ? <option value="">{t.noModels}</option> : null}
        {models.map((model) => (
          <option key={model} value={model}>
            {model}
          </option>
        ))}
      </select>
    </label>
  );
}
