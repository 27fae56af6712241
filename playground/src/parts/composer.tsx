import type { JSX } from 'preact';
import { useWords } from '../language/language.ts';

interface ComposerProps {
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly onSend: () => void;
  /** Given while something is being written. */
  readonly onStop?: (() => void) | undefined;
  readonly disabled?: boolean;
  readonly action: string;
}

/** Where a question is written. Enter sends it; with Shift it begins a new line. */
export function Composer({ value, onInput, onSend, onStop, disabled, action }: ComposerProps): JSX.Element {
  const t = useWords();
  const ready = value.trim() !== '' && disabled !== true && onStop === undefined;
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) onSend();
      }}
    >
      <label class="hidden" for={`question-${action}`}>
        {t.question}
      </label>
      <textarea
        id={`question-${action}`}
        rows={2}
        placeholder={t.questionPlaceholder}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
        onKeyDown={(event) => {
          // Enter also ends a word in an input method for Chinese.
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          if (ready) onSend();
        }}
      />
      {/* Keys keep them two elements: one that turned into a submit button during its click would send the form. */}
      {onStop === undefined ? (
        <button key="go" type="submit" class="main" disabled={!ready}>
          {action}
        </button>
      ) : (
        <button key="stop" type="button" class="main stop" onClick={onStop}>
          {t.stop}
        </button>
      )}
    </form>
  );
}
