import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { AnswerBlock } from '../answer/answer-block.tsx';
import { type AnswerState, runAnswer, textOf, userMessage } from '../answer/run.ts';
import { useLanguage, useWords } from '../language/language.ts';
import { useApp } from '../parts/app-context.ts';
import { Composer } from '../parts/composer.tsx';
import { Suggestions } from '../parts/suggestions.tsx';
import { ModelSelect } from '../parts/model-select.tsx';
import { PicturePanel } from '../picture/picture-panel.tsx';
import { QUESTIONS } from '../picture/samples.ts';
import { type Highlight, Stage } from '../picture/stage.tsx';
import { usePaste } from '../picture/use-paste.ts';
import { sampleOf, usePictures } from '../picture/use-pictures.ts';

/** Which models are beside each other; given when another view asks for two. */
export type Pair = readonly [first: string, second: string];

/** One question to two models or adapters at once. */
export function CompareView({ active, pair }: { active: boolean; pair: Pair | undefined }): JSX.Element {
  const t = useWords();
  const language = useLanguage();
  const { models, model, announce } = useApp();
  const pictures = usePictures();
  usePaste(active, pictures.add);
  const [chosen, setChosen] = useState<Pair>(['', '']);
  const [answers, setAnswers] = useState<readonly (AnswerState | undefined)[]>([undefined, undefined]);
  const [highlights, setHighlights] = useState<readonly (Highlight | undefined)[]>([undefined, undefined]);
  const [question, setQuestion] = useState('');
  const [asked, setAsked] = useState('');
  const [busy, setBusy] = useState(false);
  const running = useRef<AbortController>();

  useEffect(() => {
    if (pair) setChosen(pair);
  }, [pair]);
  const names: Pair = [chosen[0] || model, chosen[1] || models.find((each) => each !== model) || model];
  const suggestions = pictures.list.length === 0 ? [] : (sampleOf(pictures.list)?.questions ?? QUESTIONS)[language];

  const put = <T,>(list: readonly T[], side: number, value: T): T[] => list.map((old, i) => (i === side ? value : old));

  const ask = async (text: string): Promise<void> => {
    const wanted = text.trim();
    if (wanted === '' || busy) return;
    const controller = new AbortController();
    running.current = controller;
    setBusy(true);
    setAsked(wanted);
    setQuestion('');
    setHighlights([undefined, undefined]);
    setAnswers([undefined, undefined]);
    const messages = [userMessage(wanted, pictures.list)];
    const last = await Promise.all(
      names.map((name, side) =>
        runAnswer(
          { model: name, messages, maps: pictures.list.length > 0 },
          pictures.list,
          controller.signal,
          (answer) => setAnswers((before) => put(before, side, answer)),
        ),
      ),
    );
    setBusy(false);
    announce(last.map((answer) => `${answer.request.model}: ${textOf(answer)}`).join('. '));
  };

  return (
    <div class="compare">
      <header class="intro">
        <h2>{t.compareTitle}</h2>
        <p>{t.compareText}</p>
      </header>
      <PicturePanel pictures={pictures} stage={false} />
      {asked === '' ? null : <p class="asked">{asked}</p>}
      <div class="columns">
        {names.map((name, side) => {
          const answer = answers[side];
          const picture = answer?.pictures.at(-1) ?? pictures.current;
          return (
            <section key={side} class="column" aria-label={side === 0 ? t.first : t.second}>
              <ModelSelect
                label={side === 0 ? t.first : t.second}
                value={name}
                onChange={(model) => setChosen(side === 0 ? [model, names[1]] : [names[0], model])}
              />
              {picture ? <Stage picture={picture} highlight={highlights[side]} /> : null}
              {answer === undefined ? (
                side === 0 ? (
                  <p class="note">{t.compareEmpty}</p>
                ) : null
              ) : (
                <AnswerBlock
                  answer={answer}
                  onChange={(next) => setAnswers((before) => put(before, side, next))}
                  onHighlight={(highlight) => setHighlights((before) => put(before, side, highlight))}
                />
              )}
            </section>
          );
        })}
      </div>
      {suggestions.length > 0 ? (
        <Suggestions class="suggestions" texts={suggestions} disabled={busy} onAsk={(text) => void ask(text)} />
      ) : null}
      <Composer
        value={question}
        onInput={setQuestion}
        onSend={() => void ask(question)}
        onStop={busy ? () => running.current?.abort() : undefined}
        disabled={model === ''}
        action={t.askBoth}
      />
    </div>
  );
}
