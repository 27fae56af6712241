import type { LanguageModel, Message } from '../../src/auto/index.ts';
import type { RelativeBox } from '../../src/data/index.ts';
import { tokenTexts } from '../../src/explain/answer-tokens.ts';
import { Exchange } from '../../src/explain/exchange.ts';
import { type Faithfulness, faithfulness } from '../../src/explain/faithfulness.ts';
import { type Grid, type GridMap, normalized, sumOf } from '../../src/explain/grid.ts';
import type { ExplanationMethod } from '../../src/explain/index.ts';
import { METHODS } from '../../src/explain/methods/index.ts';
import { OpenedModel } from '../../src/explain/opened-model.ts';
import { type Example, type Form, tokensOf } from './examples.ts';

/** Whether a map points at what is spoken of. */
export interface Pointing {
  readonly form: Form;
  /** Whether the place of the greatest weight lies in the box. */
  readonly hits: boolean;
  /** The same of the middle of the cell with the greatest weight. */
  readonly cellHits: boolean;
  /** Part of the weight that lies in the box. */
  readonly mass: number;
}

/** An example, opened for every method. */
export class Subject {
  readonly example: Example;
  readonly #exchange: Exchange;
  readonly #chosen: readonly number[];

  private constructor(example: Example, exchange: Exchange, chosen: readonly number[]) {
    this.example = example;
    this.#exchange = exchange;
    this.#chosen = chosen;
  }

  /** Nothing where the model gives no answer. */
  static async open(model: LanguageModel, example: Example): Promise<Subject | undefined> {
    const { picture: image, question, answer, part } = example;
    const content = [{ type: 'image', image } as const, { type: 'text', text: question } as const];
    const messages: Message[] = [{ role: 'user', content }];
    const tokens =
      answer === undefined
        ? await answered(model, messages)
        : model.parts.tokenizer.encode(answer, { specialTokens: false });
    const chosen = tokensOf(tokenTexts(model.parts.tokenizer, tokens), part);
    if (chosen.length === 0) return undefined;
    const { text, pictures } = model.written(messages);
    const opened = OpenedModel.of(model);
    opened.use();
    return new Subject(example, new Exchange(opened, { text, pictures, picture: 0, answer: tokens }), chosen);
  }

  async map(method: ExplanationMethod): Promise<GridMap> {
    return normalized(sumOf((await METHODS[method](this.#exchange, this.#chosen)).map(normalized)));
  }

  async points(method: ExplanationMethod): Promise<Pointing> {
    const { form, box } = this.example;
    const map = await this.map(method);
    const cell = peakCell(map);
    const cellHits = contains(box, [cell.col + 0.5, cell.row + 0.5], map);
    return { form, hits: contains(box, middleAround(map, cell), map), cellHits, mass: massIn(map, box) };
  }

  async faithfulness(method: ExplanationMethod): Promise<Faithfulness> {
    return faithfulness(this.#exchange, await this.map(method), this.#chosen);
  }
}

interface Cell {
  readonly row: number;
  readonly col: number;
}

function peakCell({ cols, values }: GridMap): Cell {
  const cell = values.indexOf(Math.max(...values));
  return { row: Math.floor(cell / cols), col: cell % cols };
}

/** Cells are as large as drawings: the middle of the weight of a cell and those around it says where in it. In cells. */
function middleAround({ rows, cols, values }: GridMap, { row, col }: Cell): readonly [x: number, y: number] {
  let [x, y, sum] = [0, 0, 0];
  for (let r = Math.max(0, row - 1); r < Math.min(rows, row + 2); r++)
    for (let c = Math.max(0, col - 1); c < Math.min(cols, col + 2); c++) {
      const value = values[r * cols + c]!;
      sum += value;
      x += value * (c + 0.5);
      y += value * (r + 0.5);
    }
  return sum > 0 ? [x / sum, y / sum] : [col + 0.5, row + 0.5];
}

/** Whether a place, in cells of a grid, lies in a box. */
export function contains(
  [left, top, right, bottom]: RelativeBox,
  [x, y]: readonly [number, number],
  { rows, cols }: Grid = { rows: 1, cols: 1 },
): boolean {
  return x >= left * cols && x <= right * cols && y >= top * rows && y <= bottom * rows;
}

export function areaOf([left, top, right, bottom]: RelativeBox): number {
  return (right - left) * (bottom - top);
}

/** Weight within a box, that of a cell lying evenly over it. */
function massIn({ rows, cols, values }: GridMap, [left, top, right, bottom]: RelativeBox): number {
  return values.reduce((sum, value, cell) => {
    const [x, y] = [(cell % cols) / cols, Math.floor(cell / cols) / rows];
    const width = Math.min(right, x + 1 / cols) - Math.max(left, x);
    const height = Math.min(bottom, y + 1 / rows) - Math.max(top, y);
    return width > 0 && height > 0 ? sum + value * width * cols * height * rows : sum;
  }, 0);
}

async function answered(model: LanguageModel, messages: readonly Message[]): Promise<number[]> {
  const tokens: number[] = [];
  const ends = new Set(model.parts.stopTokens);
  for await (const { token } of model.answer(await model.prompt(messages), { temperature: 0, maxNewTokens: 8 }))
    if (!ends.has(token.token)) tokens.push(token.token);
  return tokens;
}
