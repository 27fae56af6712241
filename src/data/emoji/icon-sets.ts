/**
 * Sets of icons, by the npm package `@iconify-json/<set>`: signs in one ink that show a part of the concepts under names of their
 * own, drawn by many hands. For training alone. All may be trained on and what comes of it shared: Apache-2.0, MIT, ISC, CC0, CC-BY,
 * and the Open Font License.
 */
export const ICON_SETS = [
  'emojione-monotone',
  'game-icons',
  'mdi',
  'icon-park',
  'fa7-solid',
  'ph',
  'hugeicons',
  'whh',
  'mingcute',
  'lucide',
  'tabler',
  'pinhead',
] as const;
export type IconSetName = (typeof ICON_SETS)[number];

/** What a set fills its icons with, whatever they show: it is left out, so that nothing learns the colour. */
export const FILLINGS: Readonly<Record<string, string>> = { 'icon-park': '#2F88FF' };

/** Endings that a set adds to all names: one of them is needed where it has no plain ones. */
export const ICON_ENDINGS = ['', 'fill'] as const;

/** What icon sets call a concept, beside its English name, in the order in which names are tried. */
export const ICON_NAMES: Readonly<Record<string, readonly string[]>> = {
  airplane: ['plane'],
  automobile: ['car'],
  'beer mug': ['beer'],
  bicycle: ['bike'],
  'birthday cake': ['cake'],
  camping: ['camping tent'],
  'cheese wedge': ['cheese'],
  cooking: ['fried eggs', 'egg fried'],
  'cut of meat': ['steak', 'food steak'],
  'delivery truck': ['truck'],
  'desktop computer': ['monitor'],
  dog: ['sitting dog'],
  doughnut: ['donut'],
  droplet: ['drop'],
  'ear of corn': ['corn'],
  fire: ['flame'],
  'fork and knife': ['utensils', 'fork knife'],
  'french fries': ['fries'],
  gloves: ['glove'],
  hamburger: ['burger'],
  handbag: ['purse'],
  'high-heeled shoe': ['high heel', 'shoe heel'],
  'high voltage': ['lightning', 'bolt'],
  honeybee: ['bee'],
  'hot beverage': ['coffee', 'coffee cup'],
  'hot pepper': ['chili', 'chili pepper', 'pepper hot'],
  jeans: ['pants', 'trousers'],
  'kitchen knife': ['knife'],
  'lady beetle': ['ladybug'],
  'light bulb': ['bulb'],
  locomotive: ['steam locomotive'],
  'mobile phone': ['smartphone'],
  motorcycle: ['motorbike'],
  necktie: ['tie'],
  'open book': ['book open'],
  'poultry leg': ['chicken leg', 'drumstick'],
  'red apple': ['apple', 'shiny apple'],
  'round pushpin': ['pin'],
  'running shoe': ['sneaker', 'shoe'],
  sailboat: ['boat'],
  sauropod: ['diplodocus'],
  ship: ['cargo ship'],
  shortcake: ['cake slice'],
  socks: ['sock'],
  'soft ice cream': ['ice cream cone', 'ice cream'],
  'spouting whale': ['whale'],
  't-shirt': ['shirt'],
  television: ['tv'],
  tent: ['camping tent'],
  "woman's hat": ['sun hat'],
  'wine glass': ['wine'],
  'wrapped gift': ['gift'],
};

/** Names that mean something else in all of them: a cricket bat, a seal of wax, memory chips, people as signs on doors. */
const MISNAMED_IN_ALL: readonly string[] = [
  'artist', 'bat', 'boy', 'bug', 'cook', 'cricket', 'cross mark', 'fog', 'girl', 'green circle', 'ice cream', 'judge', 'key',
  'keyboard', 'man', 'mechanic', 'mouse', 'pager', 'ram', 'seal', 'star-struck', 'teacher', 'tongue', 'turkey', 'woman',
]; // prettier-ignore

/** Icons that bear a concept's name and show another thing, or its face in place of the whole. */
const MISNAMED_ICONS: Readonly<Partial<Record<IconSetName, readonly string[]>>> = {
  'game-icons': ['butterfly', 'maple leaf', 'olive', 'pig face', 'tiger'],
  mdi: ['baby', 'fly', 'hospital', 'hotel', 'school'],
  'icon-park': ['bank', 'brain', 'chicken', 'desktop computer', 'lotus', 'pie', 'razor'],
  'fa7-solid': ['lotus', 'tram'],
  ph: ['student', 'detective'],
  hugeicons: ['bar chart', 'clipboard', 'sunglasses'],
  whh: ['chicken', 'hospital', 'student'],
  mingcute: ['chicken', 'deer', 'full moon', 'house', 'lungs', 'mirror', 'scarf'],
  lucide: ['bar chart', 'bicycle', 'radio'],
  tabler: ['bicycle', 'hospital', 'school'],
  pinhead: ['bullet train', 'goggles'],
};

export function isIconSet(set: string): set is IconSetName {
  return (ICON_SETS as readonly string[]).includes(set);
}

export function isMisnamedIcon(set: IconSetName, concept: string): boolean {
  // These are EmojiOne's drawings in one ink, with EmojiOne's names.
  if (set === 'emojione-monotone') return false;
  return MISNAMED_IN_ALL.includes(concept) || MISNAMED_ICONS[set]?.includes(concept) === true;
}
