import { input } from '../../graph/index.ts';
import type { ImageTextModel, PreparedPicture } from '../../models/index.ts';

/** How many rows of features a model makes of pictures, found from shapes alone. */
export class FeatureCounter {
  readonly #model: ImageTextModel;
  readonly #known = new Map<string, number | string>();

  constructor(model: ImageTextModel) {
    this.#model = model;
  }

  /** @returns rows, or a text that says why the model cannot take the picture */
  count(picture: PreparedPicture): number | string {
    const { rows } = this.#model.arrangement?.(picture) ?? {};
    if (rows !== undefined) return rows.shape[0]!;
    const values = this.#model.pictureValues?.(picture) ?? picture.inputs;
    const key = Object.entries(values)
      .map(([name, { shape }]) => `${name} ${shape.join()}`)
      .join(';');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    let result: number | string;
    try {
      const expected = this.#model.pictureInputs();
      const missing = Object.keys(expected).find((name) => values[name] === undefined);
      if (missing !== undefined) throw new Error(`the processor gives no '${missing}'`);
      for (const [name, { shape }] of Object.entries(expected)) {
        const given = values[name]!.shape;
        if (shape.length !== given.length || shape.some((dim, i) => typeof dim === 'number' && dim !== given[i]))
          throw new Error(`'${name}' is [${given.join(', ')}], and the model takes [${shape.join(', ')}]`);
      }
      const inputs = Object.fromEntries(
        Object.entries(values).map(([name, { dtype, shape }]) => [name, input(name, dtype, shape)]),
      );
      const [rows] = this.#model.pictureFeatures(inputs).shape;
      result = typeof rows === 'number' ? rows : picture.features;
    } catch (error) {
      result = (error instanceof Error ? error.message : String(error)).split('\n')[0]!;
    }
    this.#known.set(key, result);
    return result;
  }
}
