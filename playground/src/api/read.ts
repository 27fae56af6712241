/** Shapes of explanations and boxes, checked: a map of the wrong length must not be drawn. */
import { ApiError, isRecord, textOr } from './http.ts';
import type { Box, Explanation, FaithfulnessCurve, Grid, Piece, TraceStep } from './types.ts';

/** More squares than any picture is cut into. */
const MAX_SIDE = 256;

export function readGrid(value: unknown): Grid | undefined {
  if (!isRecord(value)) return undefined;
  const { rows, cols } = value;
  const fits = (n: unknown): n is number => Number.isInteger(n) && (n as number) > 0 && (n as number) <= MAX_SIDE;
  return fits(rows) && fits(cols) ? { rows, cols } : undefined;
}

export function readMap(value: unknown, grid: Grid): readonly number[] | undefined {
  const numbers = readNumbers(value);
  return numbers?.length === grid.rows * grid.cols ? numbers : undefined;
}

function readNumbers(value: unknown): readonly number[] | undefined {
  return Array.isArray(value) && value.every((n) => typeof n === 'number' && Number.isFinite(n))
    ? (value as number[])
    : undefined;
}

export function readBoxes(value: unknown): Box[] {
  return Array.isArray(value) ? value.flatMap((each: unknown) => readBox(each) ?? []) : [];
}

function readBox(value: unknown): [Box] | undefined {
  const numbers = readNumbers(value);
  if (numbers?.length !== 4) return undefined;
  const [left, top, right, bottom] = numbers.map((n) => Math.min(1, Math.max(0, n))) as [
    number,
    number,
    number,
    number,
  ];
  return left < right && top < bottom ? [[left, top, right, bottom]] : undefined;
}

/** @throws ApiError when what every explanation has is missing */
export function readExplanation(value: Record<string, unknown>): Explanation {
  const grid = readGrid(value['grid']);
  const overall = grid && readMap(value['overall'], grid);
  if (grid === undefined || overall === undefined || !Array.isArray(value['tokens']))
    throw new ApiError('garbled', 'v1/explain answered without a map');
  const tokens = value['tokens'].flatMap((token: unknown): Piece[] => {
    if (!isRecord(token) || typeof token['text'] !== 'string') return [];
    const map = readMap(token['map'], grid);
    return [{ text: token['text'], ...(map ? { map } : {}) }];
  });
  const trace = (Array.isArray(value['trace']) ? value['trace'] : []).flatMap((step: unknown): TraceStep[] => {
    if (!isRecord(step) || typeof step['text'] !== 'string') return [];
    const map = readMap(step['map'], grid);
    const box = readBox(step['box']);
    return map ? [{ text: step['text'], map, ...(box ? { box: box[0] } : {}) }] : [];
  });
  const faithfulness = isRecord(value['faithfulness']) ? value['faithfulness'] : {};
  const deletion = readCurve(faithfulness['deletion']);
  const insertion = readCurve(faithfulness['insertion']);
  return {
    method: textOr(value['method'], ''),
    answer: textOr(value['answer'], ''),
    grid,
    overall,
    tokens,
    trace,
    ...(deletion && insertion ? { faithfulness: { deletion, insertion } } : {}),
    ...(isRecord(value['picture']) && typeof value['picture']['index'] === 'number'
      ? { picture: value['picture']['index'] }
      : {}),
  };
}

function readCurve(value: unknown): FaithfulnessCurve | undefined {
  if (!isRecord(value)) return undefined;
  const share = readNumbers(value['share']);
  const probability = readNumbers(value['probability']);
  const { area } = value;
  if (share === undefined || probability === undefined || share.length !== probability.length) return undefined;
  return share.length > 1 && typeof area === 'number' ? { share, probability, area } : undefined;
}
