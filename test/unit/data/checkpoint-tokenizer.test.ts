import { describe, expect, it } from 'vitest';
import { CheckpointError, DataError, Random } from '../../../src/core/index.ts';
import { ChatTemplates } from '../../../src/data/chat-template.ts';
import { CheckpointTokenizer } from '../../../src/data/checkpoint-tokenizer.ts';

/** The letters that stand for bytes in byte-level tokenizers: printable ones for themselves, others from U+0100 on. */
function byteLetters(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCodePoint(printable ? byte : next++);
  });
}

const special = (id: number, content: string): object => ({
  id,
  content,
  special: true,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
});

/** One token a byte, as GPT-2's family has it. */
const BYTE_LEVEL = {
  added_tokens: [special(256, '<s>'), special(257, '</s>')],
  normalizer: null,
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: null,
  decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  model: { type: 'BPE', vocab: Object.fromEntries(byteLetters().map((letter, i) => [letter, i])), merges: [] },
};

/** Words with a mark for spaces, and bytes for the rest, as Llama's family has it. */
const BYTE_FALLBACK = {
  added_tokens: [special(0, '<unk>')],
  normalizer: {
    type: 'Sequence',
    normalizers: [
      { type: 'Prepend', prepend: '▁' },
      { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    ],
  },
  pre_tokenizer: null,
  post_processor: null,
  decoder: {
    type: 'Sequence',
    decoders: [
      { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
      { type: 'ByteFallback' },
      { type: 'Fuse' },
      { type: 'Strip', content: ' ', start: 1, stop: 0 },
    ],
  },
  model: {
    type: 'BPE',
    unk_token: '<unk>',
    fuse_unk: true,
    byte_fallback: true,
    vocab: Object.fromEntries(
      [
        '<unk>',
        ...Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`),
        '▁',
        'a',
        'b',
        '.',
      ].map((piece, i) => [piece, i]),
    ),
    merges: [],
  },
};

const CONFIG = { bos_token: { content: '<s>' }, eos_token: '</s>', padding_side: 'left', unknown_key: [1] };
const bytes = new CheckpointTokenizer({ tokenizer: BYTE_LEVEL, tokenizerConfig: CONFIG });
const pieces = new CheckpointTokenizer({ tokenizer: BYTE_FALLBACK });

describe('encoding', () => {
  it('gives ids and text back', () => {
    expect(bytes.encode('hi <s>')).toEqual([104, 105, 220, 256].map((id) => (id === 220 ? bytes.encode(' ')[0] : id)));
    expect(bytes.decode(bytes.encode('héllo . 🦊'))).toBe('héllo . 🦊');
    expect(bytes.decode([104, 257])).toBe('h');
    expect(bytes.decode([104, 257], { specialTokens: true })).toBe('h</s>');
    expect([bytes.bosId, bytes.eosId, bytes.padId, bytes.paddingSide]).toEqual([256, 257, 257, 'left']);
  });

  it('pads a batch on either side', () => {
    const left = bytes.encodeBatch(['ab', 'c']);
    expect(left.ids.shape).toEqual([2, 2]);
    expect([...left.ids.data].map(Number)).toEqual(
      [97, 98, 257, 99].map((id) => (id < 256 ? bytes.encode(String.fromCodePoint(id))[0]! : id)),
    );
    expect([...left.mask.data]).toEqual([1, 1, 0, 1]);
    const right = bytes.encodeBatch(['ab', 'c'], { side: 'right', length: 3 });
    expect([...right.mask.data]).toEqual([1, 1, 0, 1, 0, 0]);
    expect(() => bytes.encodeBatch(['abcd'], { length: 3 })).toThrow(DataError);
    expect([...bytes.encodeBatch(['abcd'], { length: 3, maxLength: 3 }).mask.data]).toEqual([1, 1, 1]);
    expect(() => bytes.encodeBatch([''])).toThrow(DataError);
  });

  it('refuses ids of no token', () => {
    expect(() => bytes.decode([9999])).toThrow(DataError);
  });

  it.each([
    ['no file', {}],
    ['no model', { tokenizer: {} }],
    ['an unknown model', { tokenizer: { ...BYTE_LEVEL, model: { type: 'Magic', vocab: {} } } }],
    ['an id that is none', { tokenizer: { ...BYTE_LEVEL, added_tokens: [special(-1, 'x')] } }],
    ['a token that is none', { tokenizer: BYTE_LEVEL, tokenizerConfig: { bos_token: 5 } }],
    ['a template that is none', { tokenizer: BYTE_LEVEL, tokenizerConfig: { chat_template: '{% for %}' } }],
    ['a template of another type', { tokenizer: BYTE_LEVEL, tokenizerConfig: { chat_template: 5 } }],
  ])('refuses: %s', (_, files) => {
    expect(() => new CheckpointTokenizer(files)).toThrow(CheckpointError);
  });
});

describe('streaming', () => {
  const alphabet = ['a', 'b', ' ', '.', 'é', '漢', '🦊', '👩‍🚀', '\uFFFD'];

  it.each([
    ['bytes', bytes],
    ['pieces', pieces],
  ])('gives the same text as decoding at once, never half a letter: %s', (_, tokenizer) => {
    const random = new Random(5);
    for (let round = 0; round < 100; round++) {
      const text = Array.from({ length: random.integer(12) }, () => random.pick(alphabet)).join('');
      const ids = tokenizer.encode(text);
      const stream = tokenizer.stream();
      const shown = ids.map((id) => stream.push(id));
      if (!text.includes('\uFFFD')) for (const part of shown) expect(part).not.toContain('\uFFFD');
      expect(shown.join('') + stream.end()).toBe(tokenizer.decode(ids));
    }
  });

  it('does not wait for ever for bytes that are no letter', () => {
    const stream = bytes.stream();
    const broken = bytes.encode('é')[0]!;
    const shown = Array.from({ length: 100 }, () => stream.push(broken)).join('');
    expect(shown.length).toBeGreaterThan(50);
    expect((shown + stream.end()).length).toBe(100);
  });
});

const CHATML =
  "{% for message in messages %}{{ '<|' + message.role + '|>' }}\n{% if message.content is string %}{{ message.content }}" +
  "{% else %}{% for part in message.content %}{% if part.type == 'image' %}<image>{% else %}{{ part.text }}{% endif %}" +
  '{% endfor %}{% endif %}{{ eos_token }}\n{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}';

describe('chat templates', () => {
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'What?' }] },
  ];

  it('write texts and parts', () => {
    const templates = ChatTemplates.find({ chatTemplate: CHATML }, { eos_token: '</s>' })!;
    const expected = '<|system|>\nBe brief.</s>\n<|user|>\n<image>What?</s>\n';
    expect(templates.render(messages)).toBe(expected);
    expect(templates.render(messages, { addGenerationPrompt: true })).toBe(`${expected}<|assistant|>\n`);
  });

  it('are found in every place, the file of their own first', () => {
    const tokenizerConfig = {
      chat_template: [
        { name: 'default', template: 'D' },
        { name: 'tool_use', template: 'T' },
      ],
    };
    const named = ChatTemplates.find({ tokenizerConfig })!;
    expect(named.render([])).toBe('D');
    expect(named.render([], { tools: [{}] })).toBe('T');
    expect(named.render([], { template: 'tool_use' })).toBe('T');
    expect(() => named.render([], { template: 'x' })).toThrow(DataError);
    expect(ChatTemplates.find({ tokenizerConfig, chatTemplateJson: { chat_template: 'J' } })!.render([])).toBe('J');
    expect(
      ChatTemplates.find({ tokenizerConfig, chatTemplateJson: { chat_template: 'J' }, chatTemplate: 'F' })!.render([]),
    ).toBe('F');
    expect(ChatTemplates.find({ tokenizerConfig: {} })).toBeUndefined();
  });

  it.each([
    ['their own refusal', "{{ raise_exception('roles must alternate') }}", /roles must alternate/],
    ['a long range', '{% for i in range(1000000000) %}x{% endfor %}', /range/],
    ['an endless range', '{% for i in range(0, 5, 0) %}x{% endfor %}', /range/],
    [
      'loops in loops',
      '{% for i in range(9999) %}{% for j in range(9999) %}{% set x = i %}{% endfor %}{% endfor %}',
      /steps/,
    ],
    [
      'a text that doubles',
      "{% set n = namespace(s='aaaaaaaa') %}{% for i in range(60) %}{% set n.s = n.s + n.s %}{% endfor %}",
      /letters/,
    ],
    ['a macro that calls itself', '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}', /refuses/],
  ])('stop at %s', (_, template, message) => {
    const templates = ChatTemplates.find({ chatTemplate: template })!;
    expect(() => templates.render(messages)).toThrow(DataError);
    expect(() => templates.render(messages)).toThrow(message);
  });

  it('refuse what is no conversation', () => {
    const templates = ChatTemplates.find({ chatTemplate: CHATML })!;
    expect(() => templates.render([{ content: 'x' }] as never)).toThrow(DataError);
    expect(() => templates.render([{ role: 'user', content: 5 }] as never)).toThrow(DataError);
  });
});

describe('the bytes of tokens', () => {
  it.each([
    ['byte-level', BYTE_LEVEL, { specialTokens: false }],
    ['SentencePiece', BYTE_FALLBACK, { specialTokens: false }],
  ])('%s: they make the text', (_, tokenizer, options) => {
    const checkpoint = new CheckpointTokenizer({ tokenizer });
    const bytes = checkpoint.tokenBytes();
    expect(checkpoint.tokenBytes()).toBe(bytes);
    expect(bytes).toHaveLength(checkpoint.vocabularySize);
    for (const text of ['a b', 'é 日本 😀\n"{}"']) {
      const ids = checkpoint.encode(text, options);
      const made = Buffer.concat(ids.map((id) => bytes[id] ?? Buffer.of(0))).toString();
      // The tokenizer itself takes off the space that it puts before a text.
      expect(made.replace(/^ /, '')).toBe(text);
    }
  });

  it('are none for special tokens, and for tokenizers of words', () => {
    expect(new CheckpointTokenizer({ tokenizer: BYTE_LEVEL }).tokenBytes().slice(255)).toEqual([
      Uint8Array.of(255),
      undefined,
      undefined,
    ]);
    const words = { ...BYTE_LEVEL, decoder: { type: 'WordPiece', prefix: '##', cleanup: true } };
    expect(() => new CheckpointTokenizer({ tokenizer: words }).tokenBytes()).toThrow(DataError);
  });

  it('show nothing in a stream for ids that are none', () => {
    const stream = new CheckpointTokenizer({ tokenizer: BYTE_LEVEL }).stream();
    expect([97, 5000, 98].map((id) => stream.push(id)).join('') + stream.end()).toHaveLength(2);
  });
});
