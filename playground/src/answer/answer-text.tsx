import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { useWords } from '../language/language.ts';
import { useApp } from '../parts/app-context.ts';
import { heaviestRegion } from '../picture/heat.ts';
import type { Highlight } from '../picture/stage.tsx';
import type { AnswerState } from './run.ts';
import { boxesOf, type Word, wordsOf } from './words.ts';

interface AnswerTextProps {
  readonly answer: AnswerState;
  /** Called with what the pointed-at word has to show, and with nothing when it is left. */
  readonly onHighlight: (highlight: Highlight | undefined) => void;
  /** Called when a word is pointed at and no map is there yet. */
  readonly onMissing: () => void;
}

/** The words of an answer. Pointing at one shows where the model looked; a click or the keyboard holds it. */
export function AnswerText({ answer, onHighlight, onMissing }: AnswerTextProps): JSX.Element {
  const t = useWords();
  const { announce } = useApp();
  const { explanation, pieces } = answer;
  const grid = explanation?.grid ?? answer.grid;
  const picture = answer.pictures[explanation?.picture ?? answer.picture];
  const shown = explanation !== undefined && explanation.tokens.length > 0 ? explanation.tokens : pieces;
  const words = useMemo(() => wordsOf(shown, picture), [shown, picture]);
  const boxes = useMemo(() => boxesOf(shown, words, picture), [shown, words, picture]);
  const [held, setHeld] = useState<number>();
  const over = answer.status !== 'writing';

  const light = (index: number | undefined): void => {
    const word = index === undefined ? undefined : words[index];
    if (word === undefined || picture === undefined) {
      onHighlight(boxes.length > 0 && picture ? { picture, boxes, label: t.marked(boxes.length) } : undefined);
      return;
    }
    if (word.map === undefined && over) onMissing();
    onHighlight({
      picture,
      label: word.box ? t.marked(1) : bare(word.text),
      ...(word.map && grid ? { map: word.map, grid } : {}),
      ...(word.box ? { boxes: [word.box] } : {}),
    });
  };

  // Boxes that the model wrote are drawn when it has written them.
  useEffect(() => {
    if (over && boxes.length > 0) light(undefined);
  }, [over, boxes.length]);
  // A word that is held shows its map as soon as there is one, and by another method when that is chosen.
  useEffect(() => {
    if (held !== undefined) light(held);
  }, [explanation]);

  const hold = (index: number | undefined): void => {
    setHeld(index);
    light(index);
    const word = index === undefined ? undefined : words[index];
    if (word === undefined) return;
    if (word.map === undefined || grid === undefined) {
      announce(t.wordWithoutMap(bare(word.text)));
      return;
    }
    const { region, share } = heaviestRegion(word.map, grid);
    announce(t.wordAt(bare(word.text), t.regions[region], (share * 100).toFixed(0)));
  };

  const step = (event: KeyboardEvent): void => {
    const stops = words.flatMap((word, i) => (word.gap ? [] : [i]));
    const at = stops.indexOf(held ?? -1);
    const to =
      event.key === 'ArrowRight'
        ? stops[Math.min(stops.length - 1, at + 1)]
        : event.key === 'ArrowLeft'
          ? stops[Math.max(0, at - 1)]
          : event.key === 'Home'
            ? stops[0]
            : event.key === 'End'
              ? stops.at(-1)
              : undefined;
    if (event.key === 'Escape') hold(undefined);
    else if (to === undefined) return;
    else hold(to);
    event.preventDefault();
  };

  if (picture === undefined) return <p class="answer">{words.map(({ text }) => text).join('')}</p>;
  const indexOf = (target: EventTarget | null): number | undefined => {
    const element = target instanceof Element ? target.closest<HTMLElement>('[data-word]') : null;
    return element === null ? undefined : Number(element.dataset['word']);
  };
  return (
    <div
      class="answer pointable"
      role="group"
      tabIndex={0}
      aria-label={t.wordsHelp}
      onKeyDown={step}
      onPointerOver={(event) => {
        const index = indexOf(event.target);
        if (event.pointerType === 'mouse' && index !== undefined) light(index);
      }}
      onPointerLeave={() => light(held)}
      onClick={(event) => {
        const index = indexOf(event.target);
        if (index !== undefined) hold(index === held ? undefined : index);
      }}
      onBlur={() => hold(undefined)}
    >
      <p>
        {words.map((word, i) =>
          word.gap && word.box === undefined ? (
            word.text
          ) : (
            <span key={i} data-word={i} class={`${i === held ? 'held ' : ''}${word.box ? 'box-word' : 'word'}`}>
              {word.box ? percents(word) : word.text}
            </span>
          ),
        )}
      </p>
    </div>
  );
}

/** A word without the signs around it. */
function bare(text: string): string {
  return text.replaceAll(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '');
}

/** A box in the place of the model's own signs. */
function percents({ box }: Word): string {
  return `▢ ${box!.map((part) => (part * 100).toFixed(0)).join(', ')} %`;
}
