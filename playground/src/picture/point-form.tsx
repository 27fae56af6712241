import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ground } from '../api/client.ts';
import type { Box } from '../api/types.ts';
import { useWords } from '../language/language.ts';
import { useApp } from '../parts/app-context.ts';
import { FailureNote } from '../parts/failure-note.tsx';
import type { Highlight } from './stage.tsx';
import type { TakenPicture } from './take.ts';

interface PointFormProps {
  readonly picture: TakenPicture;
  readonly suggestion?: string;
  readonly onHighlight: (highlight: Highlight | undefined) => void;
}

/** Asks where something is, and has its boxes drawn. */
export function PointForm({ picture, suggestion, onHighlight }: PointFormProps): JSX.Element {
  const t = useWords();
  const { model, announce } = useApp();
  const [phrase, setPhrase] = useState('');
  const [busy, setBusy] = useState(false);
  const [found, setFound] = useState<{ phrase: string; boxes: readonly Box[] }>();
  const [error, setError] = useState<unknown>();

  // A sample comes with something to point at.
  useEffect(() => {
    setPhrase(suggestion ?? '');
    setFound(undefined);
    setError(undefined);
  }, [picture.id, suggestion]);

  const point = async (): Promise<void> => {
    const asked = phrase.trim();
    if (asked === '' || busy || model === '') return;
    setBusy(true);
    setError(undefined);
    setFound(undefined);
    try {
      const { boxes } = await ground(model, picture.url, asked, new AbortController().signal);
      setFound({ phrase: asked, boxes });
      onHighlight(boxes.length > 0 ? { picture, boxes, label: asked } : undefined);
      announce(t.foundBoxes(boxes.length, asked));
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <form
        class="point row"
        onSubmit={(event) => {
          event.preventDefault();
          void point();
        }}
      >
        <label class="grow">
          <span class="label">{t.point}</span>
          <input
            type="text"
            value={phrase}
            placeholder={t.pointPlaceholder}
            onInput={(event) => setPhrase(event.currentTarget.value)}
          />
        </label>
        <button type="submit" disabled={busy || phrase.trim() === '' || model === ''}>
          {busy ? t.pointing : t.pointGo}
        </button>
      </form>
      {found === undefined ? null : (
        <div class="found">
          <p class="note">{t.foundBoxes(found.boxes.length, found.phrase)}</p>
          {/* The boxes again in words, for those who do not see them. */}
          <ul class="hidden">
            {found.boxes.map((box, i) => (
              <li key={i}>
                {t.boxAt(
                  i + 1,
                  box.map((part) => (part * 100).toFixed(0)),
                )}
              </li>
            ))}
          </ul>
        </div>
      )}
      {error === undefined ? null : <FailureNote error={error} retry={() => void point()} />}
    </>
  );
}
