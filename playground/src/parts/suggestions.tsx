import type { JSX } from 'preact';

interface SuggestionsProps {
  readonly texts: readonly string[];
  readonly disabled: boolean;
  readonly onAsk: (text: string) => void;
}

/** Questions that are asked with a click. The rest of its attributes are the list's. */
export function Suggestions({
  texts,
  disabled,
  onAsk,
  ...list
}: SuggestionsProps & JSX.HTMLAttributes<HTMLUListElement>): JSX.Element {
  return (
    <ul {...list}>
      {texts.map((text) => (
        <li key={text}>
          <button type="button" class="quiet" disabled={disabled} onClick={() => onAsk(text)}>
            {text}
          </button>
        </li>
      ))}
    </ul>
  );
}
