/** Damage to tokenizer.json, tokenizer_config.json and special_tokens_map.json. */
import type { Random } from '../../src/core/index.ts';
import {
  bytesOf,
  type Expectation,
  type Files,
  flip,
  type FolderMutation,
  jsonOf,
  repeat,
  splice,
} from './mutation.ts';

type Json = Record<string, any>;
type Case = readonly [string, Expectation, (json: Json) => unknown];

const split = (pattern: string): ((json: Json) => void) => {
  return (json) =>
    void (json['pre_tokenizer'] = { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false });
};

const TOKENIZER: readonly Case[] = [
  ['empty object', 'refused', () => ({})],
  ['no model', 'refused', (json) => void delete json['model']],
  ['no vocabulary', 'refused', (json) => void delete json['model'].vocab],
  ['an empty vocabulary', 'either', (json) => void (json['model'].vocab = {})],
  ...[null, 5, 'text', { a: -1 }, { a: 1.5 }, { a: '1' }, { a: null }, { a: 2 ** 40 }, { a: 1e300 }].map(
    (vocab): Case => [`a vocabulary ${JSON.stringify(vocab)}`, 'refused', (json) => void (json['model'].vocab = vocab)],
  ),
  ...[[], [[]], [['a']], [[5, 0]]].map((vocab): Case => [
    `a vocabulary ${JSON.stringify(vocab)} that is a list`,
    'either',
    (json) => void (json['model'].vocab = vocab),
  ]),
  ...['BPE', 'Unigram', 'WordLevel', '__proto__', 5, null].map((type): Case => [
    `model of type ${JSON.stringify(type)}`,
    'either',
    (json) => void (json['model'].type = type),
  ]),
  ['ids beyond the model', 'refused', (json) => void (json['model'].vocab['apple'] = 5000)],
  ['an id of 2^31 - 1', 'refused', (json) => void (json['model'].vocab['apple'] = 2 ** 31 - 1)],
  [
    'one id for every token',
    'either',
    (json) => {
      for (const key of Object.keys(json['model'].vocab)) json['model'].vocab[key] = 1;
    },
  ],
  [
    'a token named __proto__',
    'either',
    (json) => JSON.stringify(json).replace('"vocab":{', '"vocab":{"__proto__":5,"constructor":6,"toString":7,'),
  ],
  ['a token of 1 MB', 'either', (json) => void (json['model'].vocab['x'.repeat(1_000_000)] = 5)],
  ['an added token without contents', 'refused', (json) => void (json['added_tokens'][0].content = '')],
  ...[-1, 2 ** 31 - 1, 1e300, '5', null].map((id): Case => [
    `an added token of id ${JSON.stringify(id)}`,
    'refused',
    (json) => void (json['added_tokens'][0].id = id),
  ]),
  ['added tokens that are a text', 'refused', (json) => void (json['added_tokens'] = 'tokens')],
  [
    '10,000 added tokens',
    'refused',
    (json) =>
      void json['added_tokens'].push(
        ...Array.from({ length: 10_000 }, (_, i) => ({ id: 1000 + i, content: `<${i}>`, special: true })),
      ),
  ],
  ['an added token that is a pattern', 'harmless', (json) => void (json['added_tokens'][0].content = '(a+)+$')],
  ...(['normalizer', 'pre_tokenizer', 'post_processor', 'decoder'] as const).flatMap((part): Case[] => [
    ...[
      5,
      'text',
      [],
      {},
      { type: 'Unknown' },
      { type: '__proto__' },
      { type: 'constructor' },
      { type: 'Sequence' },
      { type: 'Replace' },
      { type: 'TemplateProcessing' },
      { type: 'Split' },
    ].map((value): Case => [`${part} ${JSON.stringify(value)}`, 'either', (json) => void (json[part] = value)]),
    [
      `${part} nested 20 deep`,
      'either',
      (json) => {
        const key = {
          normalizer: 'normalizers',
          pre_tokenizer: 'pretokenizers',
          post_processor: 'processors',
          decoder: 'decoders',
        }[part];
        for (let i = 0; i < 20; i++) json[part] = { type: 'Sequence', [key]: [json[part]] };
      },
    ],
  ]),
  ['a pattern that is none', 'refused', split('(')],
  ['a pattern without end', 'refused', split('(a+)+$')],
  ['a pattern without end, in alternatives', 'refused', split('(?:a|a)*$')],
  ['a pattern without end, lazily', 'refused', split('(?:a*?)*?b')],
  ['a pattern without end, counted', 'refused', split('(a{1,30}){1,30}b')],
  ['a pattern of three stars', 'refused', split('a*a*a*a*a*a*b')],
  ['a pattern of nothing', 'either', split('')],
  ['a pattern of 1 MB', 'either', split('a'.repeat(1_000_000))],
  ['a pattern that counts to 10^9', 'either', split('a{1000000000}')],
  [
    'a normalizer without end',
    'refused',
    (json) => void (json['normalizer'] = { type: 'Replace', pattern: { Regex: '(a+)+$' }, content: 'b' }),
  ],
  [
    'a normalizer that makes a text long',
    'refused',
    (json) =>
      void (json['normalizer'] = {
        type: 'Sequence',
        normalizers: Array.from({ length: 12 }, () => ({
          type: 'Replace',
          pattern: { String: 'a' },
          content: 'a'.repeat(10),
        })),
      }),
  ],
  [
    'a template of 1000 tokens',
    'either',
    (json) => void (json['post_processor'].single = Array(1000).fill(json['post_processor'].single[0])),
  ],
  [
    'a template of unknown tokens',
    'either',
    (json) => void (json['post_processor'].single = [{ SpecialToken: { id: 'none', type_id: 0 } }]),
  ],
  ['an unknown token that is none', 'either', (json) => void (json['model'].unk_token = 'nothing')],
  ['a longest word of -1', 'either', (json) => void (json['model'].max_input_chars_per_word = -1)],
  [
    'a BPE of cycles',
    'either',
    (json) =>
      void (json['model'] = {
        type: 'BPE',
        vocab: { a: 0, aa: 1, b: 2 },
        merges: [['a', 'a'], ['aa', 'aa'], 'a a', 'b'],
      }),
  ],
  ['merges that are numbers', 'either', (json) => void (json['model'] = { type: 'BPE', vocab: { a: 0 }, merges: 5 })],
  [
    'a Unigram of NaN',
    'either',
    (json) =>
      void (json['model'] = {
        type: 'Unigram',
        vocab: [
          ['a', null],
          ['', 0],
          ['b', 'x'],
        ],
        unk_id: 9,
      }),
  ],
  [
    'a Unigram of empty pieces',
    'either',
    (json) =>
      void (json['model'] = {
        type: 'Unigram',
        vocab: [
          ['', 0],
          ['a', -1],
        ],
        unk_id: 0,
      }),
  ],
];

const TOKENIZER_CONFIG: readonly Case[] = [
  ...[5, [], {}, { content: 5 }, true].map((value): Case => [
    `bos_token ${JSON.stringify(value)}`,
    'refused',
    (json) => void (json['bos_token'] = value),
  ]),
  ['padding_side up', 'refused', (json) => void (json['padding_side'] = 'up')],
  ['a tokenizer_class from elsewhere', 'harmless', (json) => void (json['tokenizer_class'] = '__proto__')],
  ['a chat_template that is a number', 'refused', (json) => void (json['chat_template'] = 5)],
  ['a chat_template list of texts', 'refused', (json) => void (json['chat_template'] = ['a'])],
  [
    '101 chat templates',
    'refused',
    (json) => void (json['chat_template'] = Array.from({ length: 101 }, () => ({ name: 'a', template: 'b' }))),
  ],
  [
    'a chat template named __proto__',
    'refused',
    (json) => void (json['chat_template'] = [{ name: '__proto__', template: 'b' }]),
  ],
  ['a chat template of 2 MB', 'refused', (json) => void (json['chat_template'] = 'x'.repeat(2_000_000))],
  ['an end that is no token', 'harmless', (json) => void (json['eos_token'] = 'nothing')],
  ['other special tokens that are numbers', 'refused', (json) => void (json['additional_special_tokens'] = [5])],
];

function changed(file: string, [name, expect, change]: Case): FolderMutation {
  return {
    name: `${file}: ${name}`,
    expect,
    change: (files) => {
      const json = jsonOf(files, file);
      const result = change(json) ?? json;
      return { [file]: typeof result === 'string' ? result : JSON.stringify(result) };
    },
  };
}

/** @param rounds how often each kind of random damage is done */
export function tokenizerMutations(rounds: number): FolderMutation[] {
  const random =
    (file: string, change: (bytes: Uint8Array, random: Random) => Uint8Array) => (files: Files, source: Random) => ({
      [file]: change(bytesOf(files, file), source),
    });
  return [
    ...TOKENIZER.map((one) => changed('tokenizer.json', one)),
    ...TOKENIZER_CONFIG.map((one) => changed('tokenizer_config.json', one)),
    { name: 'no tokenizer.json', expect: 'refused', change: () => ({ 'tokenizer.json': undefined }) },
    { name: 'no JSON', expect: 'refused', change: () => ({ 'tokenizer.json': 'tokens' }) },
    { name: '65 MB', expect: 'refused', change: () => ({ 'tokenizer.json': { zeros: 65 * 2 ** 20 } }) },
    {
      name: 'names that are numbers',
      expect: 'refused',
      change: () => ({ 'special_tokens_map.json': '{"bos_token":5}' }),
    },
    ...repeat(
      rounds,
      'tokenizer.json: a byte changed',
      'either',
      random('tokenizer.json', (bytes, source) => flip(bytes, source, 1)),
    ),
    ...repeat(rounds, 'tokenizer.json: bytes taken out or put in', 'either', random('tokenizer.json', splice)),
    ...repeat(
      rounds,
      'tokenizer_config.json: a byte changed',
      'either',
      random('tokenizer_config.json', (bytes, source) => flip(bytes, source, 1)),
    ),
  ];
}
