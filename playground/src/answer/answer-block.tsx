import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { explain } from '../api/client.ts';
import { useWords } from '../language/language.ts';
import { FailureNote } from '../parts/failure-note.tsx';
import type { Highlight } from '../picture/stage.tsx';
import { AnswerText } from './answer-text.tsx';
import { explained, ExplainPanel } from './explain-panel.tsx';
import type { AnswerState } from './run.ts';

interface AnswerBlockProps {
  readonly answer: AnswerState;
  readonly onChange: (answer: AnswerState) => void;
  readonly onHighlight: (highlight: Highlight | undefined) => void;
  readonly onRetry?: () => void;
}

/** An answer with all that can be asked about it. */
export function AnswerBlock({ answer, onChange, onHighlight, onRetry }: AnswerBlockProps): JSX.Element {
  const t = useWords();
  const asked = useRef(false);
  const [error, setError] = useState<unknown>();
  const { status, pieces } = answer;
  const explainable = answer.pictures.length > 0 && pieces.length > 0 && status !== 'writing' && status !== 'failed';

  // A server that sent no maps while it streamed works them out on the first look.
  const missing = (): void => {
    if (asked.current || !explainable || answer.explanation !== undefined) return;
    asked.current = true;
    explain(explained(answer)).then(
      (explanation) => onChange({ ...answer, explanation }),
      (problem: unknown) => setError(problem),
    );
  };
  return (
    <div class="answer-block" aria-busy={status === 'writing'}>
      {pieces.length === 0 && status === 'writing' ? (
        <p class="waiting">
          <span class="hidden">{t.writing}</span>
          <i />
          <i />
          <i />
        </p>
      ) : (
        <AnswerText answer={answer} onHighlight={onHighlight} onMissing={missing} />
      )}
      {status === 'stopped' ? <p class="note">{t.stopped}</p> : null}
      {status === 'cut' ? <p class="note">{t.cut}</p> : null}
      {status === 'done' && pieces.length === 0 ? <p class="note">{t.nothingSaid}</p> : null}
      {status === 'failed' ? (
        <FailureNote error={answer.error} {...(onRetry === undefined ? {} : { retry: onRetry })} />
      ) : null}
      {error === undefined ? null : <FailureNote error={error} />}
      {explainable ? (
        <ExplainPanel
          answer={answer}
          onExplained={(explanation) => onChange({ ...answer, explanation })}
          onHighlight={onHighlight}
        />
      ) : null}
    </div>
  );
}
