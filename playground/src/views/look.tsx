import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { AnswerBlock } from '../answer/answer-block.tsx';
import { type AnswerState, runAnswer, textOf, userMessage } from '../answer/run.ts';
import type { Message } from '../api/types.ts';
import { useLanguage, useWords } from '../language/language.ts';
import { useApp } from '../parts/app-context.ts';
import { Composer } from '../parts/composer.tsx';
import { Suggestions } from '../parts/suggestions.tsx';
import { PicturePanel } from '../picture/picture-panel.tsx';
import { PointForm } from '../picture/point-form.tsx';
import { QUESTIONS } from '../picture/samples.ts';
import type { Highlight } from '../picture/stage.tsx';
import type { TakenPicture } from '../picture/take.ts';
import { usePaste } from '../picture/use-paste.ts';
import { sampleOf, usePictures } from '../picture/use-pictures.ts';

interface Turn {
  readonly id: number;
  readonly question: string;
  readonly answer: AnswerState;
}

/** A conversation about pictures. Turns about other pictures stay to be read, and are not sent again. */
export function LookView({ active }: { active: boolean }): JSX.Element {
  const t = useWords();
  const language = useLanguage();
  const { model, announce } = useApp();
  const pictures = usePictures();
  usePaste(active, pictures.add);
  const [turns, setTurns] = useState<readonly Turn[]>([]);
  const [question, setQuestion] = useState('');
  const [highlight, setHighlight] = useState<Highlight>();
  const running = useRef<AbortController>();
  const [busy, setBusy] = useState(false);
  const end = useRef<HTMLDivElement>(null);
  const sample = sampleOf(pictures.list);
  const suggestions = pictures.list.length === 0 ? [] : (sample?.questions ?? QUESTIONS)[language];

  // Another picture has other maps and boxes.
  useEffect(() => setHighlight(undefined), [pictures.current?.id]);
  useEffect(() => end.current?.scrollIntoView({ block: 'nearest' }), [turns.length]);

  const change = (id: number, answer: AnswerState): void =>
    setTurns((before) => before.map((turn) => (turn.id === id ? { ...turn, answer } : turn)));

  const ask = async (text: string): Promise<void> => {
    const asked = text.trim();
    if (asked === '' || busy || model === '') return;
    const controller = new AbortController();
    running.current = controller;
    setBusy(true);
    setQuestion('');
    setHighlight(undefined);
    const id = Date.now();
    const messages = [...historyOf(turns, pictures.list), userMessage(asked, pictures.list)];
    // The first question about pictures carries them; later ones follow it.
    if (messages.length > 1) messages[messages.length - 1] = { role: 'user', content: asked };
    const request = { model, messages, maps: pictures.list.length > 0 };
    const last = await runAnswer(request, pictures.list, controller.signal, (answer) =>
      setTurns((before) =>
        before.some((turn) => turn.id === id)
          ? before.map((turn) => (turn.id === id ? { ...turn, answer } : turn))
          : [...before, { id, question: asked, answer }],
      ),
    );
    setBusy(false);
    if (last.status === 'done' || last.status === 'cut') announce(t.answered(textOf(last)));
    else if (last.status === 'stopped') announce(t.stopped);
  };

  return (
    <div class="look two">
      <div class="side">
        <PicturePanel pictures={pictures} highlight={highlight}>
          {pictures.current ? (
            <PointForm
              picture={pictures.current}
              {...(sample ? { suggestion: sample.point[language] } : {})}
              onHighlight={setHighlight}
            />
          ) : null}
        </PicturePanel>
      </div>
      <section class="conversation" aria-label={t.conversation}>
        <div class="turns">
          {turns.map((turn) => (
            <article key={turn.id} class="turn">
              <p class="asked">
                <span class="hidden">{t.you}: </span>
                {turn.question}
              </p>
              <p class="by">{turn.answer.request.model}</p>
              <AnswerBlock
                answer={turn.answer}
                onChange={(answer) => change(turn.id, answer)}
                onHighlight={setHighlight}
                onRetry={() => void ask(turn.question)}
              />
            </article>
          ))}
          {turns.length > 0 ? null : pictures.list.length > 0 ? (
            <p class="note">{t.hintWords}</p>
          ) : (
            <p class="tagline">{t.tagline}</p>
          )}
          <div ref={end} />
        </div>
        {suggestions.length > 0 ? (
          <div class="suggestions">
            <span class="label" id="try">
              {t.tryAsking}
            </span>
            <Suggestions aria-labelledby="try" texts={suggestions} disabled={busy} onAsk={(text) => void ask(text)} />
          </div>
        ) : null}
        <Composer
          value={question}
          onInput={setQuestion}
          onSend={() => void ask(question)}
          onStop={busy ? () => running.current?.abort() : undefined}
          disabled={model === ''}
          action={t.ask}
        />
        {turns.length > 0 && !busy ? (
          <button
            type="button"
            class="quiet again"
            onClick={() => {
              setTurns([]);
              setHighlight(undefined);
            }}
          >
            {t.again}
          </button>
        ) : null}
      </section>
    </div>
  );
}

/** What was said about these very pictures, without what failed. */
function historyOf(turns: readonly Turn[], pictures: readonly TakenPicture[]): Message[] {
  const ids = pictures.map(({ id }) => id).join();
  const same: Turn[] = [];
  for (const turn of [...turns].reverse()) {
    if (turn.answer.pictures.map(({ id }) => id).join() !== ids) break;
    if (turn.answer.status !== 'failed' && turn.answer.pieces.length > 0) same.unshift(turn);
  }
  return same.flatMap(({ question, answer }, i): Message[] => [
    i === 0 ? userMessage(question, pictures) : { role: 'user', content: question },
    { role: 'assistant', content: textOf(answer) },
  ]);
}
