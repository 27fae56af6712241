import type { DrawingSet } from './concepts.ts';

/** Who drew a set, and under which licence. */
export interface Credit {
  readonly name: string;
  /** SPDX identifier. */
  readonly licence: string;
  readonly credit: string;
  readonly url: string;
}

export const CREDITS: Readonly<Record<DrawingSet, Credit>> = {
  noto: {
    name: 'Noto Emoji',
    licence: 'Apache-2.0',
    credit: 'Google',
    url: 'https://github.com/googlefonts/noto-emoji',
  },
  twemoji: {
    name: 'Twemoji',
    licence: 'CC-BY-4.0',
    credit: 'Twitter and contributors (jdecked/twemoji)',
    url: 'https://github.com/jdecked/twemoji',
  },
  'fluent-emoji-flat': {
    name: 'Fluent Emoji (flat)',
    licence: 'MIT',
    credit: 'Microsoft',
    url: 'https://github.com/microsoft/fluentui-emoji',
  },
  'noto-v1': {
    name: 'Noto Emoji, first series',
    licence: 'Apache-2.0',
    credit: 'Google',
    url: 'https://github.com/googlefonts/noto-emoji',
  },
  'fluent-emoji-high-contrast': {
    name: 'Fluent Emoji (high contrast)',
    licence: 'MIT',
    credit: 'Microsoft',
    url: 'https://github.com/microsoft/fluentui-emoji',
  },
  emojione: {
    name: 'EmojiOne 2',
    licence: 'CC-BY-4.0',
    credit: 'Emoji One',
    url: 'https://github.com/EmojiTwo/emojitwo',
  },
  fxemoji: {
    name: 'Firefox OS Emoji',
    licence: 'Apache-2.0',
    credit: 'Mozilla',
    url: 'https://github.com/mozilla/fxemoji',
  },
  'streamline-emojis': {
    name: 'Streamline Emojis',
    licence: 'CC-BY-4.0',
    credit: 'Streamline',
    url: 'https://github.com/webalys-hq/streamline-vectors',
  },
  openmoji: {
    name: 'OpenMoji',
    licence: 'CC-BY-SA-4.0',
    credit: 'HfG Schwäbisch Gmünd and contributors',
    url: 'https://openmoji.org',
  },
  'emojione-monotone': {
    name: 'EmojiOne 2 (monotone)',
    licence: 'CC-BY-4.0',
    credit: 'Emoji One',
    url: 'https://github.com/EmojiTwo/emojitwo',
  },
  'game-icons': {
    name: 'Game-icons.net',
    licence: 'CC-BY-3.0',
    credit: 'Lorc, Delapouite and contributors',
    url: 'https://github.com/game-icons/icons',
  },
  mdi: {
    name: 'Material Design Icons',
    licence: 'Apache-2.0',
    credit: 'Pictogrammers',
    url: 'https://github.com/Templarian/MaterialDesign',
  },
  'icon-park': {
    name: 'IconPark',
    licence: 'Apache-2.0',
    credit: 'ByteDance',
    url: 'https://github.com/bytedance/IconPark',
  },
  'fa7-solid': {
    name: 'Font Awesome 7 (solid)',
    licence: 'CC-BY-4.0',
    credit: 'Font Awesome',
    url: 'https://github.com/FortAwesome/Font-Awesome',
  },
  ph: {
    name: 'Phosphor',
    licence: 'MIT',
    credit: 'Phosphor Icons',
    url: 'https://github.com/phosphor-icons/core',
  },
  hugeicons: {
    name: 'Hugeicons (free)',
    licence: 'MIT',
    credit: 'Hugeicons',
    url: 'https://hugeicons.com',
  },
  whh: {
    name: 'WebHostingHub Glyphs',
    licence: 'OFL-1.1',
    credit: 'WebHostingHub',
    url: 'https://icon-sets.iconify.design/whh',
  },
  mingcute: {
    name: 'MingCute',
    licence: 'Apache-2.0',
    credit: 'MingCute Design',
    url: 'https://github.com/Richard9394/MingCute',
  },
  lucide: {
    name: 'Lucide',
    licence: 'ISC',
    credit: 'Lucide contributors',
    url: 'https://github.com/lucide-icons/lucide',
  },
  tabler: {
    name: 'Tabler Icons',
    licence: 'MIT',
    credit: 'Paweł Kuna',
    url: 'https://github.com/tabler/tabler-icons',
  },
  pinhead: {
    name: 'Pinhead Map Icons',
    licence: 'CC0-1.0',
    credit: 'Quincy Morgan',
    url: 'https://github.com/waysidemapping/pinhead',
  },
};
