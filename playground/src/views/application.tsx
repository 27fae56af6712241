import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { AnswerBlock } from '../answer/answer-block.tsx';
import { type AnswerState, runAnswer, textOf, userMessage } from '../answer/run.ts';
import type { Application, JsonSchema, Message } from '../api/types.ts';
import { inLanguage, type Language, useLanguage, useWords } from '../language/language.ts';
import { useApp } from '../parts/app-context.ts';
import { SchemaValue } from '../parts/schema-value.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { PicturePanel } from '../picture/picture-panel.tsx';
import type { Highlight } from '../picture/stage.tsx';
import { usePaste } from '../picture/use-paste.ts';
import { usePictures } from '../picture/use-pictures.ts';

/** A ready application: pictures and a text in, a form out. */
export function ApplicationView({ application, active }: { application: Application; active: boolean }): JSX.Element {
  const t = useWords();
  const language = useLanguage();
  const { model, announce } = useApp();
  const pictures = usePictures();
  usePaste(active, pictures.add);
  const [text, setText] = useState('');
  const [answer, setAnswer] = useState<AnswerState>();
  const [highlight, setHighlight] = useState<Highlight>();
  const running = useRef<AbortController>();
  const { id, sample, schema } = application;
  const busy = answer?.status === 'writing';
  const warning = inLanguage(application.warning, language);
  useEffect(() => setHighlight(undefined), [pictures.current?.id]);

  const run = async (): Promise<void> => {
    const controller = new AbortController();
    running.current = controller;
    setHighlight(undefined);
    const system = inLanguage(application.system, language);
    const asked = [inLanguage(application.prompt, language), text.trim()].filter(Boolean).join('\n\n');
    const messages: Message[] = [
      ...(system === '' ? [] : [{ role: 'system', content: system } as const]),
      userMessage(asked, pictures.list),
    ];
    const last = await runAnswer(
      {
        model,
        messages,
        schema: { name: id, schema: schemaIn(application, language) },
        maps: pictures.list.length > 0,
      },
      pictures.list,
      controller.signal,
      setAnswer,
    );
    if (last.status === 'done') announce(t.answered(textOf(last)));
  };
  const takeSample = async (): Promise<void> => {
    if (sample?.picture !== undefined)
      await pictures.showAddress(sample.picture, inLanguage(application.title, language));
    setText(inLanguage(sample?.text, language));
  };

  return (
    <div class="application two">
      <div class="side">
        <header class="intro">
          <h2>{inLanguage(application.title, language)}</h2>
          <p>{inLanguage(application.description, language)}</p>
        </header>
        {warning === '' ? null : (
          <aside class="warning" aria-label={t.warning}>
            <strong>{t.warning}</strong>
            <p>{warning}</p>
          </aside>
        )}
        {sample === undefined ? null : (
          <button type="button" class="quiet" onClick={() => void takeSample()}>
            {t.useSample}
          </button>
        )}
        <PicturePanel pictures={pictures} highlight={highlight} samples={false} />
      </div>
      <div class="work">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (!busy && model !== '') void run();
          }}
        >
          <label>
            <span class="label">{inLanguage(application.input, language) || t.input}</span>
            <textarea
              rows={3}
              value={text}
              placeholder={t.inputPlaceholder}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          </label>
          {busy ? (
            <button key="stop" type="button" class="main stop" onClick={() => running.current?.abort()}>
              {t.stop}
            </button>
          ) : (
            <button
              key="go"
              type="submit"
              class="main"
              disabled={model === '' || (pictures.list.length === 0 && text === '')}
            >
              {t.run}
            </button>
          )}
        </form>
        {model.split(':')[0] === 'starter' ? <p class="note">{t.starterNote}</p> : null}
        <Tabs
          id={id}
          tabs={[
            { id: 'result', title: t.result, content: <Result answer={answer} application={application} /> },
            {
              id: 'raw',
              title: t.raw,
              content:
                answer === undefined ? (
                  <p class="note">{t.resultEmpty}</p>
                ) : (
                  <AnswerBlock
                    answer={answer}
                    onChange={setAnswer}
                    onHighlight={setHighlight}
                    onRetry={() => void run()}
                  />
                ),
            },
            { id: 'prompt', title: t.prompt, content: <PromptText application={application} /> },
            { id: 'schema', title: t.schema, content: <pre>{JSON.stringify(schema, undefined, 2)}</pre> },
          ]}
        />
      </div>
    </div>
  );
}

/** The schema with the warning in the language of the page alone: in others the model may choose. */
function schemaIn({ schema, warning }: Application, language: Language): JsonSchema {
  const said = inLanguage(warning, language);
  const field = schema.properties?.['warning'];
  if (said === '' || field?.enum?.includes(said) !== true) return schema;
  return { ...schema, properties: { ...schema.properties, warning: { ...field, enum: [said] } } };
}

function PromptText({ application }: { application: Application }): JSX.Element {
  const language = useLanguage();
  const { system, prompt } = application;
  return (
    <pre>
      {[system, prompt]
        .map((text) => inLanguage(text, language))
        .filter(Boolean)
        .join('\n\n')}
    </pre>
  );
}

/** The answer by its schema; while it is being written, and where it is no whole JSON, its text. */
function Result(props: { answer: AnswerState | undefined; application: Application }): JSX.Element {
  const { answer, application } = props;
  const t = useWords();
  if (answer === undefined) return <p class="note">{t.resultEmpty}</p>;
  const text = textOf(answer);
  if (answer.status === 'failed') return <AnswerBlock answer={answer} onChange={() => {}} onHighlight={() => {}} />;
  const value = parsed(text);
  if (value !== undefined)
    return <SchemaValue schema={application.schema} value={value} labels={application.labels ?? {}} />;
  return (
    <>
      <p class="note">{answer.status === 'writing' ? t.running : t.notYetWhole}</p>
      <pre aria-busy={answer.status === 'writing'}>{text}</pre>
    </>
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
