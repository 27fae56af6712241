import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ApiError, setApiKey } from '../api/http.ts';
import { useWords } from '../language/language.ts';
import { PictureError } from '../picture/take.ts';
import { useApp } from './app-context.ts';

/** What went wrong, in words, with what can be done about it. */
export function FailureNote({ error, retry }: { error: unknown; retry?: () => void }): JSX.Element {
  const t = useWords();
  const app = useApp();
  const [key, setKey] = useState('');
  if (error instanceof PictureError) {
    const say = error.problem === 'too-large' ? t.pictureTooLarge : t.notAPicture;
    return (
      <div class="failure" role="alert">
        <p>{say(error.file)}</p>
      </div>
    );
  }
  const kind = error instanceof ApiError ? error.kind : 'page';
  const detail = error instanceof Error ? error.message : String(error);
  const wait = error instanceof ApiError ? error.retryAfter : undefined;
  return (
    <div class="failure" role="alert">
      <p>
        <strong>{t.errors[kind]}</strong>
        {wait === undefined ? '' : ` ${t.retryIn(wait)}`}
      </p>
      {kind === 'offline' ? null : <p class="detail">{detail}</p>}
      {kind === 'key' ? (
        <form
          class="row"
          onSubmit={(event) => {
            event.preventDefault();
            setApiKey(key);
            void app.refreshModels().then(() => retry?.());
          }}
        >
          <label>
            <span class="label">{t.apiKey}</span>
            <input type="password" autocomplete="off" value={key} onInput={(e) => setKey(e.currentTarget.value)} />
          </label>
          <button type="submit">{t.useKey}</button>
        </form>
      ) : retry === undefined ? null : (
        <button type="button" class="quiet" onClick={retry}>
          {t.retry}
        </button>
      )}
    </div>
  );
}
