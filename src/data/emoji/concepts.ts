import { z } from 'zod';

import { DataError } from '../../core/index.ts';
import { ICON_ENDINGS, ICON_NAMES, ICON_SETS, isIconSet, isMisnamedIcon, type IconSetName } from './icon-sets.ts';

/** The studios whose drawings are used, by the npm package `@iconify-json/<studio>`. */
export const STUDIOS = ['noto', 'twemoji', 'fluent-emoji-flat', 'openmoji'] as const;
export type Studio = (typeof STUDIOS)[number];

/**
 * Further sets by the same studios, each beside the set whose names for the drawings it uses: an older series, or another
 * style. They lack some concepts, so they serve for training alone.
 */
export const SERIES = { 'noto-v1': 'noto', 'fluent-emoji-high-contrast': 'fluent-emoji-flat' } as const;

/** Sets by other studios, which lack many concepts and name their drawings in their own way. For training alone too. */
export const PARTIAL_SETS = ['emojione', 'fxemoji', 'streamline-emojis'] as const;
export type PartialSet = (typeof PARTIAL_SETS)[number] | IconSetName;

/** A set of drawings, by the npm package `@iconify-json/<set>`. */
export const DRAWING_SETS: readonly [
  ...typeof STUDIOS,
  'noto-v1',
  'fluent-emoji-high-contrast',
  ...typeof PARTIAL_SETS,
  ...typeof ICON_SETS,
] = [...STUDIOS, 'noto-v1', 'fluent-emoji-high-contrast', ...PARTIAL_SETS, ...ICON_SETS];
export type DrawingSet = (typeof DRAWING_SETS)[number];

/** Whether a set has lines and areas of one ink, so that it cannot show what is named by its colour. */
export function isMonochrome(set: string): boolean {
  return set === 'fluent-emoji-high-contrast' || isIconSet(set);
}

/** Who drew a set, by the set that stands for the studio. */
export function studioOf(set: DrawingSet): Studio | PartialSet {
  return Object.hasOwn(SERIES, set) ? SERIES[set as keyof typeof SERIES] : (set as Studio | PartialSet);
}

export function isPartial(set: Studio | PartialSet): set is PartialSet {
  return (PARTIAL_SETS as readonly string[]).includes(set) || isIconSet(set);
}

/** Drawings of partial sets that bear a concept's name and show another: faces in place of whole animals, a flag. */
const MISNAMED: Readonly<Record<(typeof PARTIAL_SETS)[number], readonly string[]>> = {
  emojione: [],
  fxemoji: ['dog', 'cat', 'tiger', 'pig', 'boar', 'mouse', 'bird', 'keyboard', 'tram car'],
  'streamline-emojis': ['turkey', 'boar', 'bird'],
};

/** Names under which a partial set may have a concept, in the order in which they are tried; none where what has them shows another. */
export function namesInSet(set: PartialSet, { icons, wording: { en } }: Concept): readonly string[] {
  if (!isIconSet(set)) return MISNAMED[set].includes(en.name) ? [] : [en.name, icons.noto];
  if (isMisnamedIcon(set, en.name)) return [];
  const names = [en.name, icons.noto, ...(ICON_NAMES[en.name] ?? [])];
  return ICON_ENDINGS.flatMap((ending) => names.map((name) => `${name}${ending}`));
}

/**
 * Finds the drawings of a partial set, whatever their names' case, spaces and signs. Of drawings that are numbered the first one
 * counts.
 * @param names those that the set has  @returns the name of a concept's drawing, or nothing where the set lacks it
 */
export function partialSetFinder(set: PartialSet, names: Iterable<string>): (concept: Concept) => string | undefined {
  const byKey = new Map<string, string>();
  for (const name of names) {
    const numbered = /^(.*\D)-?1$/.exec(name);
    if (numbered === null) byKey.set(plainKey(name), name);
    else if (!byKey.has(plainKey(numbered[1]!))) byKey.set(plainKey(numbered[1]!), name);
  }
  return (concept) => {
    const found = namesInSet(set, concept).find((name) => byKey.has(plainKey(name)));
    return found === undefined ? undefined : byKey.get(plainKey(found));
  };
}

function plainKey(name: string): string {
  return name
    .normalize('NFD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '');
}

export const LANGUAGES = ['en', 'zh'] as const;
export type Language = (typeof LANGUAGES)[number];

/** What an emoji is called in one language. */
export interface Wording {
  readonly name: string;
  readonly tags: readonly string[];
}

/** One emoji that every studio has drawn. */
export interface Concept {
  /** Position in the list of concepts. */
  readonly index: number;
  /** Unicode code points, e.g. `1F34E` or `1F468-200D-1F9B0`. */
  readonly hexcode: string;
  /** Keys of the Unicode groups, e.g. `food-drink` and `food-fruit`. */
  readonly group: string;
  readonly subgroup: string;
  /** Name of the drawing in each studio's set. */
  readonly icons: Readonly<Record<Studio, string>>;
  readonly wording: Readonly<Record<Language, Wording>>;
}

const entrySchema = z.object({
  hexcode: z.string().regex(/^[0-9A-F]+(-[0-9A-F]+)*$/),
  label: z.string().min(1),
  tags: z.array(z.string()).default([]),
  order: z.number().optional(),
  group: z.number().optional(),
  subgroup: z.number().optional(),
});
const dataSchema = z.array(entrySchema);
const groupsSchema = z.object({
  groups: z.record(z.string(), z.string()),
  subgroups: z.record(z.string(), z.string()),
});
const charsSchema = z.record(z.string(), z.string());

/** Parsed JSON of the packages, not yet checked. */
export interface ConceptSources {
  /** `emojibase-data/<language>/data.json`. */
  readonly data: Readonly<Record<Language, unknown>>;
  /** `emojibase-data/meta/groups.json`. */
  readonly groups: unknown;
  /** `@iconify-json/<studio>/chars.json`: code points to names of drawings. */
  readonly chars: Readonly<Record<Studio, unknown>>;
}

/**
 * The emoji that all studios share, in Unicode's order. Studios write code points with or without the variation selector
 * FE0F, so the join ignores it.
 * @throws DataError when a file does not look as it should
 */
export function joinConcepts(sources: ConceptSources): Concept[] {
  const groups = check(groupsSchema, sources.groups, 'emojibase-data/meta/groups.json');
  const data = Object.fromEntries(
    LANGUAGES.map((language) => [
      language,
      check(dataSchema, sources.data[language], `emojibase-data/${language}/data.json`),
    ]),
  ) as Record<Language, z.infer<typeof dataSchema>>;
  const icons = Object.fromEntries(
    STUDIOS.map((studio) => {
      const chars = check(charsSchema, sources.chars[studio], `@iconify-json/${studio}/chars.json`);
      return [studio, new Map(Object.entries(chars).map(([code, name]) => [withoutSelector(code), name]))];
    }),
  ) as Record<Studio, Map<string, string>>;
  const others = Object.fromEntries(
    LANGUAGES.map((language) => [language, new Map(data[language].map((entry) => [entry.hexcode, entry]))]),
  ) as Record<Language, Map<string, z.infer<typeof entrySchema>>>;

  const concepts: Concept[] = [];
  for (const entry of data.en.toSorted((a, b) => (a.order ?? 0) - (b.order ?? 0))) {
    const key = withoutSelector(entry.hexcode);
    const group = groups.groups[entry.group ?? ''];
    const subgroup = groups.subgroups[entry.subgroup ?? ''];
    const wording = Object.fromEntries(
      LANGUAGES.map((language) => {
        const other = others[language].get(entry.hexcode);
        return [
          language,
          other && { name: cleanText(other.label), tags: [...new Set(other.tags.map(cleanText))].filter(Boolean) },
        ];
      }),
    ) as Record<Language, Wording | undefined>;
    if (group === undefined || subgroup === undefined || LANGUAGES.some((language) => !wording[language])) continue;
    if (STUDIOS.some((studio) => !icons[studio].has(key))) continue;
    concepts.push({
      index: concepts.length,
      hexcode: entry.hexcode,
      group,
      subgroup,
      icons: Object.fromEntries(STUDIOS.map((studio) => [studio, icons[studio].get(key)!])) as Record<Studio, string>,
      wording: wording as Record<Language, Wording>,
    });
  }
  if (concepts.length === 0)
    throw new DataError('the icon sets and emojibase-data share no emoji', 'run npm ci to restore the packages');
  return concepts;
}

function check<T>(schema: z.ZodType<T>, value: unknown, file: string): T {
  const result = schema.safeParse(value);
  if (!result.success) {
    throw new DataError(
      `${file} does not have the expected form: ${z.prettifyError(result.error).split('\n')[0]}`,
      'run npm ci to restore the package',
    );
  }
  return result.data;
}

function withoutSelector(code: string): string {
  return code
    .toUpperCase()
    .split('-')
    .filter((part) => part !== 'FE0F')
    .join('-');
}

/** Typographic quotes and colons as ASCII, runs of white space as one space. */
function cleanText(text: string): string {
  return text.replaceAll(/[‘’]/g, "'").replaceAll(/[“”]/g, '"').replaceAll('：', ': ').replaceAll(/\s+/g, ' ').trim();
}
