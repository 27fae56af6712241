import { expect, it } from 'vitest';
import { DataError } from '../../../src/core/index.ts';
import { ChatTemplates } from '../../../src/data/chat-template.ts';

const render = (template: string, messages: object[] = [], options: object = {}): string =>
  new ChatTemplates(new Map([['default', template]])).render(messages as never, options);

// As templates of today are written: namespaces, macros, parts of contents, slices, tools as JSON.
const USUAL = `
{%- macro content_of(message) -%}
{%- if message.content is string -%}{{ message.content }}
{%- else -%}{%- for part in message.content -%}{%- if part.type == 'text' -%}{{ part.text | trim }}{%- endif -%}{%- endfor -%}{%- endif -%}
{%- endmacro -%}
{%- set ns = namespace(last=0, users=[]) -%}
{%- if messages[0].role == 'system' -%}{%- set rest = messages[1:] -%}{%- else -%}{%- set rest = messages -%}{%- endif -%}
{%- if tools -%}{%- for tool in tools -%}{{ tool | tojson(indent=4) }}{%- endfor -%}{%- endif -%}
{%- for message in rest -%}
{%- if message.role == 'user' -%}{%- set ns.last = loop.index0 -%}{%- endif -%}
{{- '<|' + message.role + '|>' ~ content_of(message).replace('\\n\\n', '\\n') + ('<end>' if loop.index0 == messages | length - 1 else '') -}}
{%- endfor -%}`;

it('long conversations stay within the bounds', () => {
  const messages = Array.from({ length: 2000 }, (_, i) => ({
    role: i % 2 === 0 ? 'user' : 'assistant',
    content: i % 4 === 0 ? 'word '.repeat(100) : [{ type: 'text', text: 'word '.repeat(100) }],
  }));
  const tools = Array.from({ length: 50 }, (_, i) => ({ name: `tool${i}`, parameters: { a: { type: 'string' } } }));
  expect(render(USUAL, messages, { tools }).length).toBeGreaterThan(1_000_000);
});

it('one message of three million letters too', () => {
  expect(render(USUAL, [{ role: 'user', content: 'word\n\n'.repeat(500_000) }]).length).toBe(2_500_013);
});

it.each([
  ["{% set x = 'a' %}" + '{% set x = x ~ x %}'.repeat(16) + "{{ x.replace('a', x) }}", /more than \d+ letters/],
  [
    "{% set x = ['a'] %}" + `{% set x = [${'x,'.repeat(10)}] %}`.repeat(12) + '{{ x | tojson }}',
    /more than \d+ letters/,
  ],
  ['{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}', /steps/],
  ['{% set ns = namespace(a=0) %}{% set ns.a = ns %}{{ ns | tojson }}', /a namespace within another value/],
])('refuses %j', (template, message) => {
  expect(() => render(template)).toThrow(DataError);
  expect(() => render(template)).toThrow(message);
});
