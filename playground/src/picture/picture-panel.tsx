import type { ComponentChildren, JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { useLanguage, useWords } from '../language/language.ts';
import { FailureNote } from '../parts/failure-note.tsx';
import { RemoveButton } from './remove-button.tsx';
import { SAMPLES } from './samples.ts';
import { type Highlight, Stage } from './stage.tsx';
import { picturesIn } from './take.ts';
import type { Pictures } from './use-pictures.ts';

interface PanelProps {
  readonly pictures: Pictures;
  readonly highlight?: Highlight | undefined;
  /** Whether the bundled drawings are offered. */
  readonly samples?: boolean;
  /** Whether the picture is shown large; else there are thumbnails alone. */
  readonly stage?: boolean;
  readonly children?: ComponentChildren;
}

/** Takes pictures in by every way there is, and shows them. */
export function PicturePanel(props: PanelProps): JSX.Element {
  const { pictures, highlight, samples = true, stage = true } = props;
  const t = useWords();
  const [over, setOver] = useState(false);
  const empty = pictures.list.length === 0;
  return (
    <section
      class={`pictures${over ? ' over' : ''}${empty ? ' empty' : ''}`}
      aria-label={t.pictures}
      onDragOver={(event) => {
        if (![...(event.dataTransfer?.types ?? [])].includes('Files')) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
      }}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void pictures.add(picturesIn(event.dataTransfer));
      }}
    >
      {empty ? (
        <Invitation pictures={pictures} samples={samples} />
      ) : (
        <>
          {stage ? <Stage picture={pictures.current!} highlight={highlight} /> : null}
          <Thumbnails pictures={pictures} />
          {samples ? <SampleRow pictures={pictures} /> : null}
        </>
      )}
      {pictures.error === undefined ? null : <FailureNote error={pictures.error} />}
      {props.children}
      {over ? <p class="drop-note">{t.dropHere}</p> : null}
    </section>
  );
}

function Invitation({ pictures, samples }: { pictures: Pictures; samples: boolean }): JSX.Element {
  const t = useWords();
  return (
    <div class="invitation">
      <h2>{t.emptyTitle}</h2>
      <p>{t.emptyText}</p>
      {samples ? <SampleRow pictures={pictures} /> : null}
      <AddButtons pictures={pictures} />
    </div>
  );
}

function SampleRow({ pictures }: { pictures: Pictures }): JSX.Element {
  const t = useWords();
  const language = useLanguage();
  const { list } = pictures;
  return (
    <ul class="samples">
      {SAMPLES.map((sample) => (
        <li key={sample.id}>
          <button
            type="button"
            aria-label={t.sampleOf(sample.name[language])}
            aria-pressed={list.length === 1 && list[0]!.sample === sample.id}
            onClick={() => void pictures.showSample(sample, language)}
          >
            <img src={sample.address} alt="" width="72" height="72" />
          </button>
        </li>
      ))}
    </ul>
  );
}

function Thumbnails({ pictures }: { pictures: Pictures }): JSX.Element {
  const t = useWords();
  const { list, current } = pictures;
  return (
    <div class="thumbnails">
      <ul>
        {list.map((picture) => (
          <li key={picture.id}>
            <button
              type="button"
              class="thumbnail"
              aria-label={t.show(picture.name)}
              aria-pressed={picture === current}
              onClick={() => pictures.select(picture.id)}
            >
              <img src={picture.url} alt="" width="56" height="56" />
            </button>
            <RemoveButton pictures={pictures} picture={picture} />
          </li>
        ))}
      </ul>
      <AddButtons pictures={pictures} />
    </div>
  );
}

/** File inputs are hidden behind buttons, which look the same in every browser. */
export function AddButtons({ pictures }: { pictures: Pictures }): JSX.Element {
  const t = useWords();
  return (
    <div class="add">
      <FileButton label={pictures.list.length === 0 ? t.choose : t.addMore} pictures={pictures} />
      <FileButton label={t.photo} pictures={pictures} camera />
    </div>
  );
}

function FileButton(props: { label: string; pictures: Pictures; camera?: boolean }): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" class="quiet" onClick={() => input.current?.click()}>
        {props.label}
      </button>
      <input
        ref={input}
        type="file"
        accept="image/*"
        hidden
        tabIndex={-1}
        aria-hidden="true"
        {...(props.camera ? { capture: 'environment' } : { multiple: true })}
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])];
          // The same file may be chosen again.
          event.currentTarget.value = '';
          void props.pictures.add(files);
        }}
      />
    </>
  );
}
