/** Damage to the small JSON files of a model's folder: config.json, generation_config.json and the like. */
import type { Random } from '../../src/core/index.ts';
import {
  bytesOf,
  type Contents,
  type Expectation,
  type Files,
  flip,
  type FolderMutation,
  jsonOf,
  repeat,
  splice,
} from './mutation.ts';

type Json = Record<string, any>;

/** What any JSON file may be instead of itself. */
function asText(file: string): FolderMutation[] {
  const cases: [string, Expectation, (text: string) => Contents][] = [
    ['empty', 'refused', () => ''],
    ['null', 'refused', () => 'null'],
    ['a list', 'refused', () => '[]'],
    ['cut off', 'refused', (text) => text.slice(0, text.length / 2)],
    ['a comma too many', 'refused', (text) => text.replace(/\}\s*$/, ',}')],
    ['comments', 'refused', (text) => `// comment\n${text}`],
    ['single quotes', 'refused', (text) => text.replaceAll('"', "'")],
    ['more behind', 'refused', (text) => `${text}{}`],
    ['byte-order mark', 'harmless', (text) => `\ufeff${text}`],
    ['UTF-16', 'refused', (text) => Buffer.from(text, 'utf16le')],
    ['not UTF-8', 'refused', (text) => Buffer.from(text.replace('{', '{"\u00ff": 1,'), 'latin1')],
    ['100,000 brackets', 'refused', () => '['.repeat(100_000)],
    ['nested 60 deep', 'harmless', (text) => text.replace('{', `{"unknown":${'['.repeat(60)}${']'.repeat(60)},`)],
    ['nested 5000 deep', 'refused', (text) => text.replace('{', `{"a":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)},`)],
    [
      '__proto__',
      'harmless',
      (text) => text.replace('{', '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},'),
    ],
    ['a gigabyte of zeros', 'refused', () => ({ zeros: 2 ** 30 })],
    ['a folder', 'refused', () => ({ folder: true })],
    ['a pipe', 'refused', () => ({ pipe: true })],
    ['a link out of the folder', 'refused', () => ({ link: `../secret.json` })],
    ['a link to a device', 'refused', () => ({ link: '/dev/zero' })],
    ['a link to itself', 'refused', () => ({ link: file })],
    ['a link to nothing', 'refused', () => ({ link: 'nothing' })],
  ];
  return cases.map(([name, expect, change]) => ({
    name: `${file}: ${name}`,
    expect,
    change: (files: Files) => ({ [file]: change(Buffer.from(bytesOf(files, file)).toString()) }),
  }));
}

function damaged(file: string, rounds: number): FolderMutation[] {
  const with_ = (change: (bytes: Uint8Array, random: Random) => Uint8Array) => (files: Files, random: Random) => ({
    [file]: change(bytesOf(files, file), random),
  });
  return [
    ...repeat(
      rounds,
      `${file}: a byte changed`,
      'either',
      with_((bytes, random) => flip(bytes, random, 1)),
    ),
    ...repeat(rounds, `${file}: bytes taken out or put in`, 'either', with_(splice)),
  ];
}

const changed = (file: string, name: string, expect: Expectation, change: (json: Json) => unknown): FolderMutation => ({
  name: `${file}: ${name}`,
  expect,
  change: (files) => {
    const json = jsonOf(files, file);
    const result = change(json) ?? json;
    return { [file]: typeof result === 'string' ? result : JSON.stringify(result) };
  },
});

/** Sizes that allocate or that tensors must have; 0 or a negative one is none. */
const SIZES = [
  'vocab_size',
  'hidden_size',
  'intermediate_size',
  'num_hidden_layers',
  'num_attention_heads',
  'num_key_value_heads',
  'head_dim',
];
const NO_SIZES: unknown[] = [-1, 0, 1.5, 1e9, 1e308, '48', [], {}, true];

const CONFIG: [string, Expectation, (json: Json) => unknown][] = [
  ...SIZES.flatMap((key) => [
    ...NO_SIZES.map((value): [string, Expectation, (json: Json) => unknown] => [
      `${key} is ${JSON.stringify(value)}`,
      'refused',
      (json) => void (json[key] = value),
    ]),
    [`${key} is NaN`, 'refused', (json: Json) => raw(json, key, 'NaN')] as [
      string,
      Expectation,
      (json: Json) => unknown,
    ],
    [`${key} is 1e999`, 'refused', (json: Json) => raw(json, key, '1e999')] as [
      string,
      Expectation,
      (json: Json) => unknown,
    ],
    [`${key} is null`, 'either', (json: Json) => void (json[key] = null)] as [
      string,
      Expectation,
      (json: Json) => unknown,
    ],
    [`no ${key}`, 'either', (json: Json) => void delete json[key]] as [string, Expectation, (json: Json) => unknown],
    [`${key} is 10,000,000`, 'refused', (json: Json) => void (json[key] = 10_000_000)] as [
      string,
      Expectation,
      (json: Json) => unknown,
    ],
  ]),
  [
    'heads that do not divide the width',
    'refused',
    (json) => {
      json.num_attention_heads = 5;
      json.num_key_value_heads = 5;
      delete json.head_dim;
    },
  ],
  ['heads of keys that do not divide heads', 'refused', (json) => void (json.num_key_value_heads = 3)],
  [
    'more heads of keys than heads',
    'refused',
    (json) => void (json.num_key_value_heads = json.num_attention_heads * 2),
  ],
  ['heads of odd width', 'refused', (json) => void (json.head_dim = 15)],
  [
    'more and narrower heads',
    'either',
    (json) => {
      json.num_attention_heads *= 2;
      json.num_key_value_heads *= 2;
      json.head_dim /= 2;
    },
  ],
  [
    'many heads of width 2',
    'either',
    (json) => {
      json.num_attention_heads *= 8;
      json.num_key_value_heads *= 8;
      json.head_dim = 2;
    },
  ],
  [
    'fewer and wider heads',
    'either',
    (json) => {
      json.num_attention_heads /= 2;
      json.num_key_value_heads /= 2;
      json.head_dim *= 2;
    },
  ],
  ['one layer more', 'refused', (json) => void json.num_hidden_layers++],
  ['one layer less', 'refused', (json) => void json.num_hidden_layers--],
  ['1000 layers', 'refused', (json) => void (json.num_hidden_layers = 1000)],
  ['weights tied the other way', 'refused', (json) => void (json.tie_word_embeddings = 'yes')],
  ['tie_word_embeddings turned', 'either', (json) => void (json.tie_word_embeddings = !json.tie_word_embeddings)],
  ['one token less', 'refused', (json) => void json.vocab_size--],
  ...[0, -1, 1.5, 1e9, '256', {}].map((value): [string, Expectation, (json: Json) => unknown] => [
    `max_position_embeddings is ${JSON.stringify(value)}`,
    'refused',
    (json) => void (json.max_position_embeddings = value),
  ]),
  ['texts of one token', 'refused', (json) => void (json.max_position_embeddings = 1)],
  ['texts of 10,000,000 tokens', 'harmless', (json) => void (json.max_position_embeddings = 10_000_000)],
  ...[0, -1, '1e-5', null, 1e308].map((value): [string, Expectation, (json: Json) => unknown] => [
    `rms_norm_eps is ${JSON.stringify(value)}`,
    'refused',
    (json) => void (json.rms_norm_eps = value),
  ]),
  ...[0, -1, '1', {}, 1e308].map((value): [string, Expectation, (json: Json) => unknown] => [
    `rope_theta is ${JSON.stringify(value)}`,
    typeof value === 'number' && value > 0 ? 'either' : 'refused',
    (json) => void (json.rope_parameters.rope_theta = value),
  ]),
  ...[
    5,
    [],
    'linear',
    { rope_type: 'unknown' },
    { rope_type: 'linear' },
    { rope_type: 'linear', factor: 0 },
    { rope_type: 'llama3', factor: 8 },
    { rope_type: '__proto__' },
    { rope_type: 5 },
    { type: 'dynamic', factor: 2 },
  ].map((value): [string, Expectation, (json: Json) => unknown] => [
    `rope_parameters ${JSON.stringify(value)}`,
    'refused',
    (json) => void (json.rope_parameters = value),
  ]),
  [
    'rotary frequencies divided by nothing',
    'either',
    (json) =>
      void (json.rope_parameters = {
        rope_type: 'llama3',
        factor: 8,
        low_freq_factor: 1,
        high_freq_factor: 1,
        original_max_position_embeddings: 64,
      }),
  ],
  [
    'rotary frequencies divided by 1e308',
    'either',
    (json) => void (json.rope_parameters = { rope_type: 'linear', factor: 1e308 }),
  ],
  ...['relu', '', 5, null, '__proto__'].map((value): [string, Expectation, (json: Json) => unknown] => [
    `hidden_act is ${JSON.stringify(value)}`,
    'refused',
    (json) => void (json.hidden_act = value),
  ]),
  ...[
    '',
    'gpt9',
    '__proto__',
    'constructor',
    'toString',
    5,
    null,
    [],
    ['llama'],
    'x'.repeat(1_000_000),
    '\u001b[2J',
  ].map((value): [string, Expectation, (json: Json) => unknown] => [
    `model_type is ${JSON.stringify(value).slice(0, 20)}`,
    'refused',
    (json) => void (json.model_type = value),
  ]),
  ['no model_type', 'refused', (json) => void delete json.model_type],
  ['a key of 3 MB', 'harmless', (json) => void (json['x'.repeat(3_000_000)] = 1)],
  [
    '20,000 unknown keys',
    'harmless',
    (json) => {
      for (let i = 0; i < 20_000; i++) json[`k${i}`] = i;
    },
  ],
  ['5 MB', 'refused', (json) => void (json.unknown = 'x'.repeat(5_000_000))],
  [
    'every key of another type',
    'refused',
    (json) => Object.fromEntries(Object.keys(json).map((key) => [key, { [key]: key }])),
  ],
  ['nothing but model_type', 'refused', (json) => ({ model_type: json.model_type })],
];

const GENERATION: [string, Expectation, (json: Json) => unknown][] = [
  ...[-1, 1.5, '3', {}, [-1], ['3'], [[3]], Array(2000).fill(3), true].map(
    (value): [string, Expectation, (json: Json) => unknown] => [
      `eos_token_id is ${JSON.stringify(value).slice(0, 20)}`,
      'refused',
      (json) => void (json.eos_token_id = value),
    ],
  ),
  ...[97, 1e9, 2 ** 53 - 1, [3, 1e6]].map((value): [string, Expectation, (json: Json) => unknown] => [
    `eos_token_id is ${JSON.stringify(value)}, beyond the vocabulary`,
    'harmless',
    (json) => void (json.eos_token_id = value),
  ]),
  ...Object.entries({
    top_p: 2,
    top_k: -1,
    temperature: -1,
    min_p: 'x',
    repetition_penalty: 0,
    do_sample: 'yes',
    max_length: 1e300,
    max_new_tokens: -5,
  }).map(([key, value]): [string, Expectation, (json: Json) => unknown] => [
    `${key} is ${JSON.stringify(value)}`,
    'refused',
    (json) => void (json[key] = value),
  ]),
  ['no tokens that end a text', 'harmless', (json) => void (json.eos_token_id = [])],
];

/** @param rounds how often each kind of random damage is done */
export function configMutations(rounds: number): FolderMutation[] {
  return [
    ...asText('config.json'),
    ...CONFIG.map(([name, expect, change]) => changed('config.json', name, expect, change)),
    ...damaged('config.json', rounds),
    { name: 'config.json: not there', expect: 'refused', change: () => ({ 'config.json': undefined }) },
  ];
}

/** Any number or text of a config.json, whatever the architecture, replaced by something else. */
export function leafMutations(count: number): FolderMutation[] {
  const values: unknown[] = [-1, 0, 1, 1.5, 1e9, 1e308, '48', null, [], {}, true, 'x'.repeat(10_000), [1, 2, 3]];
  return Array.from({ length: count }, (_, i) => ({
    name: `config.json: some value replaced ${i}`,
    expect: 'either',
    change: (files, random) => {
      const json = jsonOf(files, 'config.json');
      const [holder, key] = random.pick(leavesOf(json));
      holder[key] = random.pick(values);
      return { 'config.json': JSON.stringify(json) };
    },
  }));
}

function leavesOf(json: Json): [holder: Json, key: string][] {
  return Object.entries(json).flatMap(([key, value]): [Json, string][] =>
    typeof value === 'object' && value !== null ? [[json, key], ...leavesOf(value as Json)] : [[json, key]],
  );
}

/** generation_config.json and preprocessor_config.json. */
export function smallFileMutations(rounds: number): FolderMutation[] {
  return [
    ...asText('generation_config.json'),
    ...GENERATION.map(([name, expect, change]) => changed('generation_config.json', name, expect, change)),
    ...damaged('generation_config.json', rounds),
    ...asText('preprocessor_config.json'),
  ];
}

/** A number that `JSON.stringify` does not write. */
function raw(json: Json, key: string, text: string): string {
  return JSON.stringify({ ...json, [key]: '@' }).replace('"@"', text);
}
