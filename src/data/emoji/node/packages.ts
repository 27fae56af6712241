import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

import { z } from 'zod';

import { DataError } from '../../../core/index.ts';
import {
  isPartial,
  joinConcepts,
  LANGUAGES,
  partialSetFinder,
  STUDIOS,
  studioOf,
  type Concept,
  type DrawingSet,
} from '../concepts.ts';
import { FILLINGS } from '../icon-sets.ts';

const require = createRequire(import.meta.url);

async function readPackageFile(file: string): Promise<string> {
  try {
    return await readFile(require.resolve(file), 'utf8');
  } catch (cause) {
    throw new DataError(
      `${file} cannot be read`,
      'run npm ci to install the packages that hold the drawings and their names',
      { cause },
    );
  }
}

async function readPackageJson(file: string): Promise<unknown> {
  const text = await readPackageFile(file);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DataError(`${file} is not valid JSON`, 'run npm ci to restore the package', { cause });
  }
}

let concepts: Promise<Concept[]> | undefined;

/** The emoji that all studios share, read from the installed packages once. @throws DataError */
export function loadConcepts(): Promise<Concept[]> {
  concepts ??= (async () => {
    const [data, groups, chars] = await Promise.all([
      Promise.all(
        LANGUAGES.map(
          async (language) => [language, await readPackageJson(`emojibase-data/${language}/data.json`)] as const,
        ),
      ),
      readPackageJson('emojibase-data/meta/groups.json'),
      Promise.all(
        STUDIOS.map(async (studio) => [studio, await readPackageJson(`@iconify-json/${studio}/chars.json`)] as const),
      ),
    ]);
    return joinConcepts({ data: Object.fromEntries(data) as never, groups, chars: Object.fromEntries(chars) as never });
  })();
  concepts.catch(() => (concepts = undefined));
  return concepts;
}

const iconSchema = z.object({
  body: z.string(),
  width: z.number().optional(),
  height: z.number().optional(),
  left: z.number().optional(),
  top: z.number().optional(),
});
const aliasSchema = z.object({
  parent: z.string(),
  rotate: z.number().optional(),
  hFlip: z.boolean().optional(),
  vFlip: z.boolean().optional(),
});
const setSchema = z.object({
  icons: z.record(z.string(), iconSchema),
  aliases: z.record(z.string(), aliasSchema).default({}),
  width: z.number().default(16),
  height: z.number().default(16),
});

/** One set of drawings. */
export interface IconSet {
  readonly name: DrawingSet;
  /** Version of the package. */
  readonly version: string;
  /** The name of the concept's drawing, or nothing where the set lacks it. */
  nameOf(concept: Concept): string | undefined;
  /** The drawing as an SVG document of `size` × `size` pixels. @throws DataError for an unknown name */
  svg(name: string, size: number): string;
}

export async function packageVersion(set: DrawingSet): Promise<string> {
  const parsed = z
    .object({ version: z.string() })
    .safeParse(await readPackageJson(`@iconify-json/${set}/package.json`));
  if (!parsed.success)
    throw new DataError(`@iconify-json/${set}/package.json names no version`, 'run npm ci to restore the package');
  return parsed.data.version;
}

function nameFinder(
  set: DrawingSet,
  names: readonly string[],
  has: (name: string) => boolean,
): (concept: Concept) => string | undefined {
  const studio = studioOf(set);
  if (isPartial(studio)) return partialSetFinder(studio, names.filter(has));
  // A studio's own set has every concept; where it does not, that is an error to be told.
  return ({ icons }) => (set === studio || has(icons[studio]) ? icons[studio] : undefined);
}

/** Reads a set's drawings (up to 25 MB of JSON). @throws DataError */
export async function loadIconSet(name: DrawingSet): Promise<IconSet> {
  const file = `@iconify-json/${name}/icons.json`;
  const [json, version] = await Promise.all([readPackageJson(file), packageVersion(name)]);
  const parsed = setSchema.safeParse(json);
  if (!parsed.success)
    throw new DataError(`${file} does not have the expected form`, 'run npm ci to restore the package');
  const set = parsed.data;
  const find = (icon: string): z.infer<typeof iconSchema> | undefined => {
    let key = icon;
    for (let depth = 0; !Object.hasOwn(set.icons, key) && depth < 5; depth++) {
      const alias = Object.hasOwn(set.aliases, key) ? set.aliases[key] : undefined;
      if (alias === undefined || alias.rotate || alias.hFlip || alias.vFlip) break;
      key = alias.parent;
    }
    return Object.hasOwn(set.icons, key) ? set.icons[key] : undefined;
  };
  return {
    name,
    version,
    nameOf: nameFinder(
      name,
      [...Object.keys(set.icons), ...Object.keys(set.aliases)],
      (icon) => find(icon) !== undefined,
    ),
    svg(icon, size) {
      const found = find(icon);
      if (found === undefined)
        throw new DataError(`${file} has no drawing '${icon}'`, 'run npm ci to restore the package');
      const filling = FILLINGS[name];
      const body = filling === undefined ? found.body : found.body.replaceAll(filling, 'none');
      const view = `${found.left ?? 0} ${found.top ?? 0} ${found.width ?? set.width} ${found.height ?? set.height}`;
      return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="${view}" width="${size}" height="${size}">${body}</svg>`;
    },
  };
}
