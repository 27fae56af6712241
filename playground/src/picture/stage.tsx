import type { JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Box, Grid } from '../api/types.ts';
import { useWords } from '../language/language.ts';
import { paintHeat } from './heat.ts';
import type { TakenPicture } from './take.ts';

/** What a word, a step or a phrase has to show on a picture. */
export interface Highlight {
  readonly picture: TakenPicture;
  readonly label: string;
  readonly map?: readonly number[];
  readonly grid?: Grid;
  readonly boxes?: readonly Box[];
}

/** A picture with a map or boxes over it. */
export function Stage({
  picture,
  highlight,
}: {
  picture: TakenPicture;
  highlight?: Highlight | undefined;
}): JSX.Element {
  const t = useWords();
  const shown = highlight?.picture ?? picture;
  const map = highlight?.grid && highlight.map;
  return (
    <figure class="stage">
      {/* The ratio goes through the style object model, which the policy of the page allows. */}
      <div class="sheet" style={{ '--ratio': String(shown.width / shown.height) }}>
        <img src={shown.url} alt={shown.name} width={shown.width} height={shown.height} />
        {map ? <HeatSheet map={map} grid={highlight!.grid!} /> : null}
        {highlight?.boxes?.length ? <Boxes boxes={highlight.boxes} /> : null}
      </div>
      <figcaption class={highlight ? 'lit' : undefined}>
        {highlight ? (
          <>
            <span class="looked">{highlight.label}</span>
            {map ? (
              <span class="legend" aria-hidden="true">
                {t.heatLeast} <i /> {t.heatMost}
              </span>
            ) : null}
          </>
        ) : (
          <span>{shown.name}</span>
        )}
      </figcaption>
    </figure>
  );
}

function HeatSheet({ map, grid }: { map: readonly number[]; grid: Grid }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    if (canvas.current) paintHeat(canvas.current, map, grid);
  }, [map, grid]);
  return <canvas ref={canvas} class="heat" aria-hidden="true" />;
}

function Boxes({ boxes }: { boxes: readonly Box[] }): JSX.Element {
  return (
    <svg class="boxes" viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">
      {boxes.map(([left, top, right, bottom], i) => (
        <g key={i}>
          <rect class="under" x={left} y={top} width={right - left} height={bottom - top} />
          <rect class="over" x={left} y={top} width={right - left} height={bottom - top} />
        </g>
      ))}
    </svg>
  );
}
