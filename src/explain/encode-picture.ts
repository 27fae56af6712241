// F rows of features, D width
import { hostTensor, type HostTensor, joinRows } from '../core/index.ts';
import { arrangeRows, type PreparedPicture } from '../models/index.ts';
import { featureGraph } from './graphs/picture.ts';
import type { OpenedModel } from './opened-model.ts';

/** Inputs of the picture encoder for a part of a picture that is encoded by itself. */
export type Part = Readonly<Record<string, HostTensor>>;

/** What the decoder is given of a picture, with the adapters that are in use. @returns [F, D] */
export async function encodePicture(opened: OpenedModel, prepared: PreparedPicture): Promise<HostTensor<'float32'>> {
  const rows: HostTensor<'float32'>[] = [];
  for (const part of partsOf(opened, prepared)) {
    const outputs = await opened.run(`features ${shapesOf(part)}`, () => featureGraph(opened.model, part), part);
    rows.push(outputs['features']!);
  }
  const joined = joinRows(rows);
  const arrangement = opened.model.arrangement?.(prepared);
  return arrangement === undefined ? joined : arrangeRows(joined, arrangement);
}

export function partsOf({ model }: OpenedModel, prepared: PreparedPicture): Part[] {
  const values = model.pictureValues?.(prepared) ?? prepared.inputs;
  return model.independentTiles ? tilesOf(values) : [values];
}

/** Tells programs apart. */
export function shapesOf(part: Part): string {
  return Object.entries(part)
    .map(([name, { shape }]) => `${name}[${shape.join()}]`)
    .join(' ');
}

/** The same inputs for each tile by itself. @param values each [tiles, …] */
function tilesOf(values: Part): Part[] {
  const count = Object.values(values)[0]?.shape[0] ?? 0;
  if (count === 1) return [values];
  return Array.from({ length: count }, (_, tile) =>
    Object.fromEntries(
      Object.entries(values).map(([name, { dtype, shape, data }]) => {
        const size = data.length / count;
        const part = data.subarray(tile * size, (tile + 1) * size);
        return [name, hostTensor(dtype, [1, ...shape.slice(1)], part as never)];
      }),
    ),
  );
}
