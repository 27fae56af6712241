import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { cancelTuning, startTuning, tuningEvents } from '../api/client.ts';
import type { TuningProgress } from '../api/types.ts';
import { LineChart } from '../charts/line-chart.tsx';
import { useWords } from '../language/language.ts';
import { useApp } from '../parts/app-context.ts';
import { FailureNote } from '../parts/failure-note.tsx';
import { AddButtons, PicturePanel } from '../picture/picture-panel.tsx';
import { RemoveButton } from '../picture/remove-button.tsx';
import { usePaste } from '../picture/use-paste.ts';
import { usePictures } from '../picture/use-pictures.ts';
import type { Pair } from './compare.tsx';

interface TeachViewProps {
  readonly active: boolean;
  /** Goes to another view with the new adapter chosen. */
  readonly onTry: (model: string) => void;
  readonly onCompare: (pair: Pair) => void;
}

type Run =
  | { readonly state: 'idle' }
  | {
      readonly state: 'running';
      readonly from: string;
      readonly id?: string;
      readonly steps: readonly TuningProgress[];
    }
  | {
      readonly state: 'done';
      readonly from: string;
      readonly steps: readonly TuningProgress[];
      readonly result: { readonly model: string; readonly asked: number; readonly right: number };
    }
  | { readonly state: 'stopped'; readonly from: string; readonly steps: readonly TuningProgress[] };

const TIMES = [15, 30, 60, 120, 300] as const;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/;

/** A few labelled pictures, and an adapter that learns them while one watches. */
export function TeachView({ active, onTry, onCompare }: TeachViewProps): JSX.Element {
  const t = useWords();
  const { model, refreshModels, announce } = useApp();
  const pictures = usePictures();
  usePaste(active, pictures.add);
  const [labels, setLabels] = useState<Readonly<Record<number, string>>>({});
  const [name, setName] = useState('');
  const [seconds, setSeconds] = useState<number>(30);
  const [run, setRun] = useState<Run>({ state: 'idle' });
  const [error, setError] = useState<unknown>();
  const stopping = useRef<AbortController>();

  // An adapter of an adapter would need both: what is taught stands on the model itself.
  const base = model.split(':')[0]!;
  const given = name === '' ? 'mine' : name;
  const examples = pictures.list.map(({ id, url }) => ({ image: url, text: (labels[id] ?? '').trim() }));
  const ready = base !== '' && NAME.test(given) && examples.length >= 2 && examples.every(({ text }) => text !== '');

  const learn = async (): Promise<void> => {
    const controller = new AbortController();
    stopping.current = controller;
    const steps: TuningProgress[] = [];
    setError(undefined);
    setRun({ state: 'running', from: base, steps });
    announce(t.teachStarting);
    let id: string | undefined;
    try {
      id = await startTuning({ model: base, name: given, examples, seconds });
      setRun({ state: 'running', from: base, id, steps });
      for await (const event of tuningEvents(id, controller.signal)) {
        if (event.kind === 'progress') {
          steps.push(event);
          setRun({ state: 'running', from: base, id, steps: [...steps] });
        } else if (event.kind === 'queued') {
          if (event.position > 0) announce(t.teachQueued(event.position));
        } else if (event.kind === 'failed') throw new Error(event.message);
        else {
          await refreshModels();
          setRun({ state: 'done', from: base, steps, result: event });
          announce(t.teachDone(event.model));
          return;
        }
      }
      throw new Error(t.errors.garbled);
    } catch (problem) {
      setRun({ state: 'stopped', from: base, steps });
      if (!controller.signal.aborted) setError(problem);
      else if (id !== undefined) {
        announce(t.teachCancelled);
        await cancelTuning(id).catch(setError);
      }
    }
  };

  const busy = run.state === 'running';
  const steps = run.state === 'idle' ? [] : run.steps;
  return (
    <div class="teach two">
      <section class="lesson" aria-labelledby="teach-title">
        <header class="intro">
          <h2 id="teach-title">{t.teachTitle}</h2>
          <p>{t.teachText}</p>
        </header>
        {pictures.list.length === 0 ? (
          <PicturePanel pictures={pictures} samples={false} />
        ) : (
          <ul class="examples">
            {pictures.list.map((picture) => (
              <li key={picture.id}>
                <img src={picture.url} alt={picture.name} width="64" height="64" />
                <label class="grow">
                  <span class="label">{t.teachLabel}</span>
                  <input
                    type="text"
                    value={labels[picture.id] ?? ''}
                    maxLength={200}
                    onInput={(event) => setLabels({ ...labels, [picture.id]: event.currentTarget.value })}
                  />
                </label>
                <RemoveButton pictures={pictures} picture={picture} />
              </li>
            ))}
          </ul>
        )}
        {pictures.list.length > 0 ? <AddButtons pictures={pictures} /> : null}
        {pictures.error === undefined || pictures.list.length === 0 ? null : <FailureNote error={pictures.error} />}
      </section>
      <section class="learning" aria-label={t.teach}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (ready && !busy) void learn();
          }}
        >
          <label>
            <span class="label">{t.teachName}</span>
            <input
              type="text"
              value={name}
              placeholder="mine"
              pattern="[A-Za-z0-9][A-Za-z0-9_\-]{0,39}"
              aria-describedby="teach-name-help"
              onInput={(event) => setName(event.currentTarget.value)}
            />
            <span class="help" id="teach-name-help">
              {t.teachNameHelp}
            </span>
          </label>
          <label class="choice">
            <span class="label">{t.teachSeconds}</span>
            <select value={seconds} onChange={(event) => setSeconds(Number(event.currentTarget.value))}>
              {TIMES.map((time) => (
                <option key={time} value={time}>
                  {t.seconds(time)}
                </option>
              ))}
            </select>
          </label>
          {busy ? (
            <button key="stop" type="button" class="main stop" onClick={() => stopping.current?.abort()}>
              {t.teachStop}
            </button>
          ) : (
            <button key="go" type="submit" class="main" disabled={!ready}>
              {t.teachGo}
            </button>
          )}
        </form>
        {ready || busy ? null : <p class="note">{t.teachNeeds}</p>}
        {run.state === 'idle' ? null : <Curve steps={steps} />}
        {busy ? (
          <p class="note">
            {steps.length === 0
              ? t.teachStarting
              : t.teachRunning(steps.at(-1)!.step, steps.at(-1)!.loss?.toFixed(3) ?? '–')}
          </p>
        ) : null}
        {run.state === 'stopped' && error === undefined ? <p class="note">{t.teachCancelled}</p> : null}
        {run.state === 'done' ? (
          <div class="done">
            <p>
              <strong>{t.teachDone(run.result.model)}</strong>
            </p>
            {run.result.asked > 0 ? <p>{t.teachNamed(run.result.right, run.result.asked)}</p> : null}
            <div class="row">
              <button type="button" class="main" onClick={() => onTry(run.result.model)}>
                {t.teachTry}
              </button>
              <button type="button" class="quiet" onClick={() => onCompare([run.from, run.result.model])}>
                {t.teachCompare}
              </button>
            </div>
          </div>
        ) : null}
        {error === undefined ? null : <FailureNote error={error} />}
      </section>
    </div>
  );
}

function Curve({ steps }: { steps: readonly TuningProgress[] }): JSX.Element {
  const t = useWords();
  const losses = steps.flatMap(({ step, loss }) => (loss === undefined ? [] : [[step, loss] as const]));
  const right = steps.flatMap(({ step, accuracy }) => (accuracy === undefined ? [] : [[step, accuracy] as const]));
  if (losses.length === 0) return <p class="note">{t.curveEmpty}</p>;
  return (
    <div class="charts">
      <LineChart
        title={t.loss}
        lines={[{ name: losses.at(-1)![1].toFixed(3), points: losses, tone: 'first' }]}
        xLabel={t.step}
        format={(value) => value.toFixed(1)}
      />
      {right.length === 0 ? null : (
        <LineChart
          title={t.accuracy}
          lines={[{ name: `${(right.at(-1)![1] * 100).toFixed(0)} %`, points: right, tone: 'second' }]}
          xLabel={t.step}
          yRange={[0, 1]}
          format={(value) => `${(value * 100).toFixed(0)} %`}
        />
      )}
    </div>
  );
}
