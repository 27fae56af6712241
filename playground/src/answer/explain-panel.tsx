import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { explain } from '../api/client.ts';
import {
  type Box,
  type Explanation,
  type FaithfulnessCurve,
  type Message,
  type Method,
  METHODS,
} from '../api/types.ts';
import { LineChart } from '../charts/line-chart.tsx';
import { useWords } from '../language/language.ts';
import { useApp } from '../parts/app-context.ts';
import { FailureNote } from '../parts/failure-note.tsx';
import type { Highlight } from '../picture/stage.tsx';
import { type AnswerState, textOf } from './run.ts';

interface ExplainPanelProps {
  readonly answer: AnswerState;
  readonly onExplained: (explanation: Explanation) => void;
  readonly onHighlight: (highlight: Highlight | undefined) => void;
}

/** The messages with the answer as their last. */
export function explained(answer: AnswerState): { model: string; messages: readonly Message[] } {
  const { model, messages } = answer.request;
  return { model, messages: [...messages, { role: 'assistant', content: textOf(answer) }] };
}

/** Maps of an answer by a chosen method, how far they can be believed, and the steps that the model wrote. */
export function ExplainPanel({ answer, onExplained, onHighlight }: ExplainPanelProps): JSX.Element {
  const t = useWords();
  const { announce } = useApp();
  const [method, setMethod] = useState<Method | undefined>();
  const [tested, setTested] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const { explanation } = answer;

  const work = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      const result = await explain({
        ...explained(answer),
        ...(method ? { method } : {}),
        ...(tested ? { faithfulness: true } : {}),
      });
      onExplained(result);
      const name = METHODS.find((each) => each === result.method);
      announce(t.explained(name ? t.methods[name] : result.method));
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return (
    <details class="explain">
      <summary>{t.explain}</summary>
      <div class="row">
        <label class="choice">
          <span class="label">{t.method}</span>
          <select
            value={method ?? ''}
            onChange={({ currentTarget: { value } }) => setMethod(value === '' ? undefined : (value as Method))}
          >
            <option value="">{t.usualMethod}</option>
            {METHODS.map((each) => (
              <option key={each} value={each}>
                {t.methods[each]}
              </option>
            ))}
          </select>
        </label>
        <label class="check">
          <input type="checkbox" checked={tested} onChange={(event) => setTested(event.currentTarget.checked)} />
          {t.withFaithfulness}
        </label>
        <button type="button" disabled={busy} onClick={() => void work()}>
          {busy ? t.explaining : t.explainGo}
        </button>
      </div>
      {error === undefined ? null : <FailureNote error={error} retry={() => void work()} />}
      {explanation === undefined ? null : (
        <Result explanation={explanation} answer={answer} onHighlight={onHighlight} />
      )}
    </details>
  );
}

function Result(props: Pick<ExplainPanelProps, 'answer' | 'onHighlight'> & { explanation: Explanation }): JSX.Element {
  const { explanation, answer, onHighlight } = props;
  const t = useWords();
  const { grid, overall, trace, faithfulness } = explanation;
  const picture = answer.pictures[explanation.picture ?? answer.picture];
  const name = METHODS.find((each) => each === explanation.method);
  const views: readonly { text: string; map: readonly number[]; box?: Box }[] = [
    { text: t.overall, map: overall },
    ...trace,
  ];
  return (
    <div class="explanation">
      <p class="label">{name ? t.methods[name] : explanation.method}</p>
      <ul class="views">
        {views.map(({ text, map, box }, i) => {
          const light = (): void => {
            if (picture) onHighlight({ picture, label: text, map, grid, ...(box ? { boxes: [box] } : {}) });
          };
          return (
            <li key={i}>
              <button type="button" class="quiet" onClick={light} onFocus={light} onPointerEnter={light}>
                {text}
              </button>
            </li>
          );
        })}
      </ul>
      {faithfulness ? (
        <div class="charts">
          <Curve title={t.deletion} help={t.deletionHelp} curve={faithfulness.deletion} tone="first" />
          <Curve title={t.insertion} help={t.insertionHelp} curve={faithfulness.insertion} tone="second" />
        </div>
      ) : null}
    </div>
  );
}

function Curve(props: {
  title: string;
  help: string;
  curve: FaithfulnessCurve;
  tone: 'first' | 'second';
}): JSX.Element {
  const t = useWords();
  const { share, probability, area } = props.curve;
  return (
    <div>
      <LineChart
        title={props.title}
        lines={[
          {
            name: t.area(area.toFixed(2)),
            tone: props.tone,
            points: share.map((x, i) => [x, probability[i]!] as const),
          },
        ]}
        xLabel={t.shareAxis}
        yRange={[0, Math.max(...probability, 1e-6)]}
        format={(value) => value.toFixed(2)}
      />
      <p class="help">
        {t.probabilityAxis}. {props.help}.
      </p>
    </div>
  );
}
