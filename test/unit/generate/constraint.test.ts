import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/core/index.ts';
import type { TokenBytes } from '../../../src/data/index.ts';
import {
  choicesConstraint,
  type ConstraintFactory,
  Decoding,
  generate,
  jsonSchemaConstraint,
  regexConstraint,
  Sampler,
} from '../../../src/generate/index.ts';
import { locateWeights, Weights } from '../../../src/hub/node/index.ts';
import { decoderNames, Llama, parseLlamaConfig } from '../../../src/models/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';

const SIZE = 400;
const END = 0;
const decoder = new TextDecoder('utf-8', { fatal: true });

/** The end, every byte, and pieces of text that cross the borders of JSON's parts, halves of letters among them. */
const VOCABULARY: TokenBytes = vocabularyOf(SIZE);

function vocabularyOf(size: number): TokenBytes {
  const encoder = new TextEncoder();
  const pieces = [
    '{"',
    '":',
    '": ',
    '",',
    '", "',
    '"}',
    '}}',
    ']}',
    '[1',
    ',2',
    ' "',
    'true',
    'tru',
    'null}',
    '12',
    '-0',
    '.5',
    'e1',
    '\\u',
    '\\"',
    'red',
    're',
    'name',
    '日本',
    'é',
    '😀',
  ];
  const random = new Random(7);
  const result: (Uint8Array | undefined)[] = [
    undefined,
    ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
  ];
  for (const piece of pieces) result.push(encoder.encode(piece));
  result.push(encoder.encode('日').subarray(0, 2), encoder.encode('"日').subarray(0, 2));
  const letters = 'abcdefghijklmnopqrstuvwxyz"{}[]:, 0123456789';
  while (result.length < size) {
    const length = 1 + Math.floor(random.uniform(0, 4));
    result.push(
      encoder.encode(Array.from({ length }, () => letters[Math.floor(random.uniform(0, letters.length))]).join('')),
    );
  }
  return result;
}

/** Tokens with these bytes. */
function tokensOf(text: string): number[] {
  return [...VOCABULARY.keys()].filter(
    (token) => VOCABULARY[token] && Buffer.from(VOCABULARY[token]).toString('latin1') === text,
  );
}

/** An answer of a model that knows nothing; undefined when it did not end. */
function written(factory: ConstraintFactory, seed: number, greedy: boolean, most = 600): string | undefined {
  const constraint = factory.start([END]);
  const random = new Random(seed);
  const sampler = new Sampler(greedy ? {} : { temperature: 1, seed });
  const bytes: number[] = [];
  for (let step = 0; step < most; step++) {
    const logits = Float32Array.from({ length: SIZE + 3 }, () => random.uniform(-4, 4));
    // Answers should end at some time.
    for (const byte of '"}],') logits[1 + byte.charCodeAt(0)]! += 5;
    logits[END]! += 3;
    const token = sampler.next(logits, constraint);
    constraint.accept(token);
    if (token === END) return decoder.decode(Uint8Array.from(bytes));
    bytes.push(...VOCABULARY[token]!);
    if (constraint.finished) return decoder.decode(Uint8Array.from(bytes));
  }
  return undefined;
}

type Value = Record<string, unknown>;
const isCount = (value: unknown, least: number, most: number): boolean =>
  typeof value === 'string' && [...value].length >= least && [...value].length <= most;
const onlyKeys = (value: unknown, ...keys: string[]): boolean =>
  Object.keys(value as Value).every((key) => keys.includes(key));

interface Tree {
  readonly value: unknown;
  readonly left?: Tree | null;
  readonly right?: Tree | null;
}
const isTree = (tree: Tree | null | undefined): boolean =>
  tree === null ||
  tree === undefined ||
  (typeof tree.value === 'boolean' &&
    onlyKeys(tree, 'value', 'left', 'right') &&
    isTree(tree.left) &&
    isTree(tree.right));

const SCHEMAS: Readonly<Record<string, readonly [schema: unknown, check: (value: never) => boolean]>> = {
  person: [
    {
      type: 'object',
      properties: {
        name: { type: 'string', minLength: 1, maxLength: 8 },
        age: { type: 'integer', minimum: 0, maximum: 130 },
        tags: { type: 'array', items: { enum: ['red', 'green', 1, null, '日本'] }, minItems: 1, maxItems: 3 },
        'odd "key"': { type: 'boolean' },
      },
      required: ['name', 'tags'],
      additionalProperties: false,
    },
    (value: Value) =>
      onlyKeys(value, 'name', 'age', 'tags', 'odd "key"') &&
      isCount(value['name'], 1, 8) &&
      (value['age'] === undefined ||
        (Number.isInteger(value['age']) && (value['age'] as number) >= 0 && (value['age'] as number) <= 130)) &&
      Array.isArray(value['tags']) &&
      value['tags'].length >= 1 &&
      value['tags'].length <= 3 &&
      value['tags'].every((tag) => ['red', 'green', 1, null, '日本'].includes(tag as string)) &&
      [undefined, true, false].includes(value['odd "key"'] as boolean),
  ],
  tree: [
    {
      $ref: '#/$defs/tree',
      $defs: {
        tree: {
          type: 'object',
          properties: {
            value: { type: 'boolean' },
            left: { anyOf: [{ $ref: '#/$defs/tree' }, { type: 'null' }] },
            right: { anyOf: [{ $ref: '#/$defs/tree' }, { type: 'null' }] },
          },
          required: ['value'],
          additionalProperties: false,
        },
      },
    },
    (value: Tree) => isTree(value),
  ],
  shapes: [
    {
      type: 'array',
      minItems: 1,
      maxItems: 4,
      items: {
        oneOf: [
          {
            type: 'object',
            properties: { kind: { const: 'circle' }, radius: { type: 'number', exclusiveMinimum: 0 } },
            required: ['kind', 'radius'],
          },
          {
            type: 'object',
            properties: { kind: { const: 'code' }, code: { type: 'string', pattern: '^[A-Z"\\\\]{2,3}\\n?-\\d+$' } },
            required: ['kind', 'code'],
          },
        ],
      },
    },
    (value: readonly Value[]) =>
      value.length >= 1 &&
      value.length <= 4 &&
      value.every(({ kind, radius, code }) =>
        kind === 'circle'
          ? typeof radius === 'number' && radius > 0
          : kind === 'code' && /^[A-Z"\\]{2,3}\n?-\d+$/.test(code as string),
      ),
  ],
  numbers: [
    {
      type: 'object',
      properties: {
        a: { type: 'number' },
        b: { type: 'number', minimum: -2.5, exclusiveMaximum: 3 },
        c: { type: 'integer' },
        d: { type: 'integer', minimum: -120, maximum: -7 },
      },
      required: ['a', 'b', 'c', 'd'],
    },
    ({ a, b, c, d }: { a: number; b: number; c: number; d: number }) =>
      Number.isFinite(a) &&
      b >= -2.5 &&
      b < 3 &&
      Number.isSafeInteger(c) &&
      Number.isInteger(d) &&
      d >= -120 &&
      d <= -7,
  ],
  map: [
    { type: 'object', additionalProperties: { type: ['integer', 'null'] } },
    (value: Value) => Object.values(value).every((item) => item === null || Number.isInteger(item)),
  ],
  search: [{ type: 'string', pattern: 'b+' }, (value: string) => value.includes('b')],
  anything: [true, () => true],
};

describe('JSON of a schema', () => {
  it.each(Object.keys(SCHEMAS))('%s: every answer that ends is valid', (name) => {
    const [schema, check] = SCHEMAS[name]!;
    const factory = jsonSchemaConstraint(schema, VOCABULARY);
    const texts = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const text = written(factory, seed, seed % 2 === 0);
      if (text === undefined) continue;
      texts.add(text);
      const value = JSON.parse(text) as never;
      expect(check(value), text).toBe(true);
    }
    expect(texts.size).toBeGreaterThan(20);
  });

  it.each<[string, unknown, RegExp]>([
    ['no schema', 5, /no schema/],
    ['a type that there is not', { type: 'date' }, /use object/],
    ['a keyword that cannot be kept to', { type: 'array', uniqueItems: true }, /uniqueItems/],
    ['a reference elsewhere', { $ref: 'http://example.com/a' }, /outside/],
    ['a reference to nothing', { $ref: '#/$defs/a' }, /not there/],
    [
      'a definition that is itself',
      {
        $defs: { a: { anyOf: [{ $ref: '#/$defs/b' }, { type: 'null' }] }, b: { $ref: '#/$defs/a' } },
        $ref: '#/$defs/a',
      },
      /as itself/,
    ],
    [
      'a structure without end',
      { type: 'object', properties: { next: { $ref: '#' } }, required: ['next'] },
      /without an end/,
    ],
    ['choices that overlap', { oneOf: [{ type: 'integer' }, { type: 'number' }] }, /anyOf/],
    ['what no value fits', { type: 'integer', minimum: 3, maximum: 2 }, /no value/],
    [
      'a cycle',
      (() => {
        const a: Value = {};
        a['items'] = a;
        return a;
      })(),
      /not JSON/,
    ],
    ['great depth', JSON.parse(`${'{"items":'.repeat(200)}true${'}'.repeat(200)}`), /100 deep/],
    ['greater depth', JSON.parse(`${'{"items":'.repeat(5000)}true${'}'.repeat(5000)}`), /not JSON/],
    ['great width', { anyOf: Array.from({ length: 3000 }, () => ({ type: 'string' })) }, /more than 2000/],
    ['a great count', { type: 'string', maxLength: 1e9 }, /maxLength/],
    ['a pattern that is wrong', { type: 'string', pattern: '(a' }, /\(/],
    ['__proto__', JSON.parse('{"type":"__proto__"}'), /use object/],
  ])('refuses %s', (_, schema, message) => {
    expect(() => jsonSchemaConstraint(schema, VOCABULARY)).toThrowError(
      expect.objectContaining({ code: 'generation', message: expect.stringMatching(message) }),
    );
  });
});

const PATTERNS = [
  '[a-c]+',
  '(?:\\d{1,3}\\.){3}\\d{1,3}',
  '(red|green|blue)( (red|green|blue)){0,2}',
  '[^a-z0-9\\s]{2,4}',
  '[\\u{1F600}-\\u{1F64F}é日-本]{1,3}',
  '(a*)*b?',
  '^\\w+@\\w+\\.(com|org)$',
  '.{3,5}\\x41?|\\[\\]',
  '(?<year>\\d{4})-(0[1-9]|1[0-2])',
];

describe('a pattern', () => {
  it.each(PATTERNS)('%s: every answer that ends matches', (pattern) => {
    const factory = regexConstraint(pattern, VOCABULARY);
    let ended = 0;
    for (let seed = 0; seed < 60; seed++) {
      const text = written(factory, seed, seed % 2 === 0);
      if (text === undefined) continue;
      ended++;
      expect(text).toMatch(new RegExp(`^(?:${pattern})$`, 'u'));
    }
    expect(ended).toBeGreaterThan(30);
  });

  it('may end where it matches, and where it can only end it has', () => {
    const constraint = regexConstraint('ab?', VOCABULARY).start([END]);
    const logits = new Float32Array(SIZE);
    constraint.mask(logits);
    expect([logits[END], logits[1 + 97]]).toEqual([-Infinity, 0]);
    expect(() => constraint.accept(END)).toThrowError(expect.objectContaining({ code: 'generation' }));
    constraint.accept(1 + 97);
    logits.fill(0);
    constraint.mask(logits);
    expect([...logits.keys()].filter((token) => logits[token] === 0)).toEqual([END, ...tokensOf('b')]);
    expect(constraint.finished).toBe(false);
    constraint.accept(1 + 98);
    expect(constraint.finished).toBe(true);
  });

  it.each([
    'a(?=b)',
    '(?<!a)b',
    '(a)\\1',
    '\\bword',
    '\\p{L}',
    'a**',
    'a{3,2}',
    'a{1000000}',
    '(',
    ')',
    '[z-a]',
    '[a',
    'a^b',
    '[]',
    '\\',
    '\\u{110000}',
    '\\ud800',
    '('.repeat(100) + ')'.repeat(100),
    'a'.repeat(5000),
    '(?i)a',
  ])('%.20s is refused', (pattern) => {
    expect(() => regexConstraint(pattern, VOCABULARY)).toThrowError(expect.objectContaining({ code: 'generation' }));
  });

  it.each([
    '(a|aa)*(a|aa)*[ab]',
    '(a?){5000}b',
    '(a*)*(a*)*(a*)*x',
    '(a|b)*a(a|b){12}',
    '((a{1,100}){1,100}){1,100}',
    'a?'.repeat(1900),
    '(.*)*(.*)*\\d{500}',
  ])('hostile %$ is bounded', (pattern) => {
    const started = performance.now();
    try {
      const factory = regexConstraint(pattern, VOCABULARY);
      for (let seed = 0; seed < 3; seed++) written(factory, seed, false, 40);
    } catch (error) {
      expect(error).toMatchObject({ code: 'generation' });
    }
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe('choices', () => {
  it('give each of them, also where one begins another', () => {
    const choices = ['red', 'red wine', 'green', '日本', 'a "b"'];
    const factory = choicesConstraint(choices, VOCABULARY);
    const found = new Set<string | undefined>();
    for (let seed = 0; seed < 300; seed++) found.add(written(factory, seed, false));
    expect([...found].sort()).toEqual([...choices].sort());
  });

  it('refuse none, and too many', () => {
    for (const choices of [[], [''], Array.from({ length: 5000 }, String)])
      expect(() => choicesConstraint(choices, VOCABULARY)).toThrowError(
        expect.objectContaining({ code: 'generation' }),
      );
  });

  it('say when the vocabulary lacks letters', () => {
    const constraint = choicesConstraint(['xyz'], [undefined, Uint8Array.of(97)]).start([0]);
    expect(() => constraint.mask(new Float32Array(2))).toThrowError(expect.objectContaining({ code: 'generation' }));
  });
});

describe('a model', () => {
  it('writes what its constraint allows, greedy and sampled, in a batch', async () => {
    const folder = fileURLToPath(new URL('../../parity/fixtures/decoders/llama', import.meta.url));
    const model = new Llama(parseLlamaConfig(JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))));
    const runtime = await createRuntime({ threads: 1 });
    const weights = await Weights.open(folder);
    const decoding = await Decoding.create(
      runtime,
      model,
      locateWeights(weights, model.parameters(), decoderNames(true)),
    );
    await weights.close();
    const letters = [...'{}[]",:. -+0123456789abcdefghijklmnopqrstuvwxyz\\/_'];
    const bytes: TokenBytes = [
      undefined,
      undefined,
      ...letters.map((text) => new TextEncoder().encode(text)),
      new TextEncoder().encode('":'),
    ];
    const schema = {
      type: 'object',
      properties: {
        ok: { type: 'boolean' },
        name: { type: 'string', maxLength: 6 },
        n: { type: 'array', items: { type: 'integer', minimum: 0, maximum: 99 }, maxItems: 2 },
      },
      required: ['ok', 'name', 'n'],
    };
    const constraint = jsonSchemaConstraint(schema, bytes);
    for (const temperature of [0, 1.5]) {
      const texts = Array.from({ length: 6 }, () => '');
      const ends = new Set<string | undefined>();
      const options = { constraint, stopTokens: [1], answers: 3, maxNewTokens: 100, temperature, seed: 5 };
      for await (const { row, token, finish } of generate(decoding, [[5, 9, 12], [40]], options)) {
        texts[row] += new TextDecoder().decode(bytes[token] ?? new Uint8Array());
        if (finish !== undefined) ends.add(finish);
      }
      expect([...ends]).toEqual(['stop']);
      for (const text of texts) {
        const value = JSON.parse(text) as { ok: unknown; name: unknown; n: number[] };
        expect([typeof value.ok, isCount(value.name, 0, 6), value.n.every((n) => n >= 0 && n <= 99)]).toEqual([
          'boolean',
          true,
          true,
        ]);
      }
      if (temperature > 0) expect(new Set(texts).size).toBeGreaterThan(3);
    }
    decoding.dispose();
    await runtime.dispose();
  });
});
