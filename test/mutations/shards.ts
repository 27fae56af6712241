/** Damage to `model.safetensors.index.json` and to the shards that it names. */
import { encodeSafetensors, parseSafetensors } from '../../src/hub/index.ts';
import {
  bytesOf,
  type Changes,
  type Contents,
  type Expectation,
  type Files,
  flip,
  type FolderMutation,
  repeat,
} from './mutation.ts';

const [INDEX, SINGLE] = ['model.safetensors.index.json', 'model.safetensors'];
const [FIRST, SECOND] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];

interface Sharded {
  readonly map: Record<string, string>;
  readonly first: Uint8Array;
  readonly second: Uint8Array;
}

/** The original in two shards. */
function sharded(files: Files): Sharded {
  const { tensors } = parseSafetensors(bytesOf(files, SINGLE));
  const all = [...tensors];
  const half = Math.ceil(all.length / 2);
  return {
    map: Object.fromEntries(all.map(([name], i) => [name, i < half ? FIRST : SECOND])),
    first: encodeSafetensors(new Map(all.slice(0, half))),
    second: encodeSafetensors(new Map(all.slice(half))),
  };
}

type Change = (sharded: Sharded) => { index?: Contents; more?: Changes };

const everyTo =
  (shard: string): Change =>
  ({ map }) => ({
    index: JSON.stringify({ weight_map: Object.fromEntries(Object.keys(map).map((name) => [name, shard])) }),
  });
const firstTo =
  (shard: unknown): Change =>
  ({ map }) => ({
    index: JSON.stringify({ weight_map: { ...map, [Object.keys(map)[0]!]: shard } }),
  });

const CASES: [string, Expectation, Change][] = [
  ['as it should be', 'harmless', () => ({})],
  ...[
    '../secret.safetensors',
    '/etc/passwd',
    '/dev/zero.safetensors',
    '..\\secret.safetensors',
    'C:\\a.safetensors',
    'sub/a.safetensors',
    './a.safetensors',
    '',
    '.',
    '..',
    '.safetensors',
    'a\0.safetensors',
    '\\\\server\\share.safetensors',
    'file:///etc/passwd',
    'https://x/a.safetensors',
    '%2e%2e/a.safetensors',
    `${'x'.repeat(300)}.safetensors`,
    'config.json',
    INDEX,
    'nothing.safetensors',
    '~/a.safetensors',
    'a.safetensors/../../b.safetensors',
    'a.safetensors\n',
  ].map((shard): [string, Expectation, Change] => [
    `a shard named ${JSON.stringify(shard.slice(0, 40))}`,
    'refused',
    firstTo(shard),
  ]),
  ...[null, 5, [FIRST], {}, true].map((shard): [string, Expectation, Change] => [
    `a shard that is ${JSON.stringify(shard)}`,
    'refused',
    firstTo(shard),
  ]),
  ['every tensor in the first shard', 'refused', everyTo(FIRST)],
  ['every tensor in the index itself', 'refused', everyTo(INDEX)],
  [
    'shards exchanged',
    'refused',
    ({ map }) => ({
      index: JSON.stringify({
        weight_map: Object.fromEntries(
          Object.entries(map).map(([name, shard]) => [name, shard === FIRST ? SECOND : FIRST]),
        ),
      }),
    }),
  ],
  ['a shard that is not there', 'refused', () => ({ more: { [SECOND]: undefined } })],
  ['a shard that is empty', 'refused', () => ({ more: { [SECOND]: '' } })],
  ['a shard cut off', 'refused', ({ second }) => ({ more: { [SECOND]: second.subarray(0, second.length - 4) } })],
  ['a shard that is a folder', 'refused', () => ({ more: { [SECOND]: { folder: true } } })],
  ['a shard that is a pipe', 'refused', () => ({ more: { [SECOND]: { pipe: true } } })],
  [
    'a shard that is a link out of the folder',
    'refused',
    () => ({ more: { [SECOND]: { link: '../secret.safetensors' } } }),
  ],
  ['a shard that is the other one', 'refused', () => ({ more: { [SECOND]: { link: FIRST } } })],
  ['a link within the folder', 'harmless', ({ second }) => ({ more: { other: second, [SECOND]: { link: 'other' } } })],
  [
    'a tensor left out',
    'refused',
    ({ map }) => ({ index: JSON.stringify({ weight_map: Object.fromEntries(Object.entries(map).slice(1)) }) }),
  ],
  ['a tensor too many', 'refused', ({ map }) => ({ index: JSON.stringify({ weight_map: { ...map, more: FIRST } }) })],
  [
    'a tensor named __proto__',
    'refused',
    ({ map }) => ({
      index: JSON.stringify({ weight_map: map }).replace('{"weight_map":{', `{"weight_map":{"__proto__":"${FIRST}",`),
    }),
  ],
  [
    'a tensor of 1 MB',
    'refused',
    ({ map }) => ({ index: JSON.stringify({ weight_map: { ...map, ['x'.repeat(1_000_000)]: FIRST } }) }),
  ],
  [
    '100,000 shards',
    'refused',
    ({ map }) => ({
      index: JSON.stringify({
        weight_map: {
          ...map,
          ...Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`t${i}`, `s${i}.safetensors`])),
        },
      }),
    }),
  ],
  ['no weight_map', 'refused', () => ({ index: '{"metadata":{}}' })],
  ['an empty weight_map', 'refused', () => ({ index: '{"weight_map":{}}' })],
  ['a weight_map that is a list', 'refused', () => ({ index: `{"weight_map":["${FIRST}"]}` })],
  ['a weight_map that is a text', 'refused', () => ({ index: `{"weight_map":"${FIRST}"}` })],
  [
    'a tensor named twice',
    'harmless',
    ({ map }) => ({
      index: JSON.stringify({ weight_map: map }).replace(
        '{"weight_map":{',
        `{"weight_map":{"${Object.keys(map)[0]}":"${SECOND}",`,
      ),
    }),
  ],
  ['an empty index', 'refused', () => ({ index: '' })],
  ['no JSON', 'refused', () => ({ index: 'weights' })],
  ['100,000 brackets', 'refused', () => ({ index: '['.repeat(100_000) })],
  ['a gigabyte', 'refused', () => ({ index: { zeros: 2 ** 30 } })],
  ['a folder', 'refused', () => ({ index: { folder: true } })],
  ['a pipe', 'refused', () => ({ index: { pipe: true } })],
  ['a link out of the folder', 'refused', () => ({ index: { link: '../secret.json' } })],
  ['a link to nothing', 'refused', () => ({ index: { link: 'nothing' } })],
];

/** @param rounds how often each kind of random damage is done */
export function shardMutations(rounds: number): FolderMutation[] {
  const folder = (files: Files, change: ReturnType<Change> = {}): Changes => {
    const { map, first, second } = sharded(files);
    return {
      [SINGLE]: undefined,
      [FIRST]: first,
      [SECOND]: second,
      [INDEX]: change.index ?? JSON.stringify({ metadata: {}, weight_map: map }),
      ...change.more,
    };
  };
  return [
    ...CASES.map(([name, expect, change]): FolderMutation => ({
      name,
      expect,
      change: (files) => folder(files, change(sharded(files))),
    })),
    ...repeat(rounds, 'a byte of the index changed', 'either', (files, random) => {
      const whole = folder(files);
      return { ...whole, [INDEX]: flip(Buffer.from(whole[INDEX] as string), random, 1) };
    }),
  ];
}
