/** Boxes that Qwen2.5-VL answers as JSON, and how it is asked for them (Bai et al. 2025, arXiv 2502.13923, section 2.2.1). */
import { z } from 'zod';
import type { GroundedAnswer, LabelledBox } from '../common/grounding.ts';

/** The two sizes of a picture in pixels: as the model saw it, and as it was given. */
export interface PictureSizes {
  readonly seen: readonly [height: number, width: number];
  readonly given: readonly [height: number, width: number];
}

const MAX_ENTRY = 4096;
const MAX_BOXES = 1000;

const coordinate = z.number().min(-1e6).max(1e6);
const entrySchema = z.object({
  bbox_2d: z.tuple([coordinate, coordinate, coordinate, coordinate]),
  label: z.string().max(1000).default(''),
});

/** What the model is asked, for the boxes of all that a phrase describes. */
export function groundingPrompt(phrase: string): string {
  return `Locate each ${phrase.trim()} in the image and output all the bbox coordinates in JSON format.`;
}

/**
 * Reads an answer: a list of `{"bbox_2d": [x1, y1, x2, y2], "label": …}`, within a fence or text or without, whose end may
 * be missing. The model counts in pixels of the picture that it saw.
 * @param answer text from the model, of which nothing is believed
 */
export function parseBoxes(answer: string, sizes: PictureSizes): GroundedAnswer {
  const { entries, open } = objectsIn(answer);
  const boxes: LabelledBox[] = [];
  let refused = 0;
  for (const entry of entries) {
    const box = boxOf(answer.slice(entry.start, entry.end), sizes);
    if (box === undefined || boxes.length === MAX_BOXES) refused++;
    else boxes.push(box);
  }
  return { boxes, refused, cut: open || endsWithinList(answer, entries.at(-1)?.end) };
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Innermost pairs of braces, passing over those within strings. `open` says that the last one is not closed. */
function objectsIn(text: string): { entries: Span[]; open: boolean } {
  const entries: Span[] = [];
  let start = -1;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (quoted) {
      if (character === '\\') i++;
      // Strings of JSON do not go on in the next line: whatever this was, it is over.
      else if (character === '"' || character === '\n') quoted = false;
    } else if (character === '{') start = i;
    else if (start < 0) continue;
    else if (character === '"') quoted = true;
    else if (character === '}') {
      entries.push({ start, end: i + 1 });
      start = -1;
    }
  }
  return { entries, open: start >= 0 };
}

function boxOf(text: string, { seen, given }: PictureSizes): LabelledBox | undefined {
  if (text.length > MAX_ENTRY) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = entrySchema.safeParse(json);
  if (!parsed.success) return undefined;
  const [x1, y1, x2, y2] = parsed.data.bbox_2d;
  const within = (value: number, axis: 0 | 1): number =>
    Math.min(given[axis], Math.max(0, (value * given[axis]) / seen[axis]));
  const [left, right] = [within(Math.min(x1, x2), 1), within(Math.max(x1, x2), 1)];
  const [top, bottom] = [within(Math.min(y1, y2), 0), within(Math.max(y1, y2), 0)];
  return left < right && top < bottom ? { label: parsed.data.label.trim(), left, top, right, bottom } : undefined;
}

/** Whether another entry or the end of the list should have followed. */
function endsWithinList(text: string, last: number | undefined): boolean {
  const before = text.indexOf('[');
  if (last === undefined) return before >= 0 && text.slice(before + 1).trim() === '';
  const rest = text.slice(last).trimStart();
  const listed = before >= 0 && before < text.indexOf('{');
  return rest.startsWith(',') || (listed && rest === '');
}
