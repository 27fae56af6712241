/** Chat templates that are wrong, or that were written to use up a machine. */
import type { Contents, Expectation, FolderMutation } from './mutation.ts';

const FILE = 'chat_template.jinja';
/** Assigns a text of 2^n letters to x. */
const doubled = (n: number): string => `{% set x = 'a' %}${'{% set x = x ~ x %}'.repeat(n)}`;
/** Assigns a list of ten lists of ten lists … to x, n levels deep. */
const nested = (n: number): string =>
  `{% set x = ['a'] %}${`{% set x = [${Array(10).fill('x').join(',')}] %}`.repeat(n)}`;
const ns = '{% set ns = namespace(a=0) %}';

const CASES: readonly [string, Expectation, Contents][] = [
  ['nothing', 'harmless', ''],
  ['plain text', 'harmless', 'hello'],
  ['an open statement', 'refused', '{% if messages %}'],
  ['an open expression', 'refused', '{{ messages'],
  ['an open comment', 'refused', '{# never'],
  ['an open text', 'refused', "{{ 'abc }}"],
  ['an end without a beginning', 'refused', '{% endfor %}'],
  ['an unknown statement', 'refused', '{% include "/etc/passwd" %}'],
  ['an import', 'refused', '{% import "os" as os %}{{ os }}'],
  ['an unknown filter', 'refused', '{{ messages | launch }}'],
  ['an unknown test', 'refused', '{{ messages is dangerous }}'],
  ['a call of nothing', 'refused', '{{ nothing() }}'],
  ['a call of a text', 'refused', "{{ 'a'() }}"],
  ['a missing variable', 'harmless', '{{ nothing }}'],
  ['a member of a missing variable', 'either', '{{ nothing.more.most }}'],
  ['a sum with nothing', 'refused', '{{ nothing + 1 }}'],
  ['an exception', 'refused', "{{ raise_exception('no') }}"],
  ['an exception of a megabyte', 'refused', `${doubled(20)}{{ raise_exception(x) }}`],
  ['an exception of commands', 'refused', "{{ raise_exception('\u001b[2J') }}"],
  ['the way to Function', 'refused', "{{ ''.constructor.constructor('return process')().exit(3) }}"],
  ['the way to Function by names', 'refused', "{{ messages['constructor']['constructor']('return process')() }}"],
  ['Python’s way out', 'refused', "{{ ''.__class__.__mro__[1].__subclasses__() }}"],
  ['a prototype', 'either', '{% set __proto__ = 5 %}{{ __proto__ }}'],
  ['a prototype changed', 'refused', '{% set messages.__proto__.polluted = true %}'],
  ['a macro without end', 'refused', '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}'],
  [
    'two macros without end',
    'refused',
    '{% macro f() %}{{ g() }}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}',
  ],
  ['100,000 brackets', 'refused', `{{ ${'('.repeat(100_000)} }}`],
  ['100,000 nested lists', 'refused', `{{ ${'['.repeat(100_000)}${']'.repeat(100_000)} }}`],
  ['100,000 nested conditions', 'refused', '{% if true %}'.repeat(100_000)],
  ['100,000 times not', 'refused', `{{ ${'not '.repeat(100_000)} true }}`],
  ['a sum of 100,000', 'refused', `{{ 1 ${'+ 1'.repeat(100_000)} }}`],
  ['a list of 100,000', 'either', `{{ [${'1,'.repeat(100_000)}1] | length }}`],
  ['a megabyte of spaces', 'either', ' '.repeat(1_000_000)],
  ['lines of spaces', 'either', `${' \t'.repeat(400_000)}{% if true %}{% endif %}`],
  ['spaces before half a statement', 'either', `{{ 1 }}${' '.repeat(400_000)}{`],
  ['a megabyte and one', 'refused', 'x'.repeat(1_000_001)],
  ['5 MB', 'refused', 'x'.repeat(5_000_000)],
  ['not UTF-8', 'refused', Uint8Array.of(0x7b, 0xff, 0xfe)],
  ['a folder', 'refused', { folder: true }],
  ['a pipe', 'refused', { pipe: true }],
  ['a link out of the folder', 'refused', { link: '../secret.json' }],
  ['loops in loops', 'refused', '{% for a in range(1000) %}{% for b in range(1000) %}{{ a }}{% endfor %}{% endfor %}'],
  ['empty loops in loops', 'refused', '{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}'],
  ['a range of 10^12', 'refused', '{% for a in range(1000000000000) %}{% endfor %}'],
  ['a range by 0', 'refused', '{{ range(1, 10, 0) }}'],
  ['a range of NaN', 'either', "{{ range('a') }}"],
  [
    'many ranges',
    'refused',
    `${ns}{% set ns.a = [] %}{% for a in range(1000) %}{% set ns.a = ns.a + [range(99000)] %}{% endfor %}`,
  ],
  ['a text of 2^40', 'refused', doubled(40)],
  [
    'a text of 2^40 in a loop',
    'refused',
    `${ns}{% set ns.a = 'a' %}{% for i in range(40) %}{% set ns.a = ns.a ~ ns.a %}{% endfor %}`,
  ],
  ['a list of 2^40', 'refused', `{% set x = [1] %}${'{% set x = x + x %}'.repeat(40)}`],
  ['a text replaced by itself', 'refused', `${doubled(16)}{{ x.replace('a', x) }}`],
  ['a text replaced by itself, as a filter', 'refused', `${doubled(16)}{{ x | replace('a', x) }}`],
  ['a text with much between', 'refused', `${doubled(16)}{{ x.replace('', x) }}`],
  ['a text between all others', 'refused', `${doubled(16)}{{ range(10000) | join(x) }}`],
  ['a text between letters', 'refused', `${doubled(16)}{{ x | join(x) }}`],
  ['an indent of 10^8', 'refused', "{{ 'a\\nb' | indent(100000000) }}"],
  ['many indents', 'refused', `${doubled(18).replace("'a'", "'\\n'")}{{ x | indent(1000, true, true) }}`],
  ['JSON indented by 10^6', 'refused', '{{ [[[[1]]]] | tojson(indent=100000000) }}'],
  ['a text split into letters', 'refused', `${doubled(22)}{{ x.split('a') | length }}`],
  ['a text turned round for ever', 'either', `${doubled(20)}{{ x[::-1] | length }}`],
  ['a slice by 0', 'either', '{{ messages[::0] | length }}'],
  [
    'a long text in capitals for ever',
    'refused',
    `${doubled(22)}{% for i in range(90000) %}{% set y = x | upper %}{% endfor %}`,
  ],
  [
    'a long text looked through for ever',
    'refused',
    `${doubled(22)}{% for i in range(90000) %}{% set y = 'b' in x %}{% endfor %}`,
  ],
  [
    'a long list looked through for ever',
    'refused',
    '{% set x = range(90000) %}{% for i in range(90000) %}{% set y = -1 in x %}{% endfor %}',
  ],
  [
    'a long list sorted for ever',
    'refused',
    `{% set x = range(90000) %}{% for i in range(90000) %}{% set y = x | sort %}{% endfor %}`,
  ],
  ['long texts sorted', 'refused', `${doubled(22)}{% set y = [${Array(400).fill('x').join(',')}] | sort %}`],
  [
    'long texts as JSON',
    'refused',
    `${doubled(22)}{% set y = [${Array(2000).fill('x').join(',')}] %}{% set z = y | tojson %}`,
  ],
  ['10^12 lists as JSON', 'refused', `${nested(12)}{{ x | tojson }}`],
  ['10^12 lists written out', 'refused', `${nested(12)}{{ x }}`],
  ['10^12 lists compared', 'refused', `${nested(12)}{{ x == 'a' }}`],
  ['10^12 lists as text', 'refused', `${nested(12)}{{ x ~ 'a' }}`],
  [
    '10^12 dictionaries as JSON',
    'refused',
    `{% set x = {'a': 1} %}${`{% set x = {${Array.from({ length: 10 }, (_, i) => `'${i}': x`).join(',')}} %}`.repeat(12)}{{ x | tojson }}`,
  ],
  ['a namespace within itself', 'refused', `${ns}{% set ns.a = ns %}{% set ns.b = ns %}{{ ns | tojson }}`],
  ['a namespace in a list', 'refused', `${ns}{% set x = [ns, ns] %}{{ x | tojson }}`],
  ['a date of a megabyte', 'refused', `${doubled(20)}{{ strftime_now(x.replace('a', '%B')) }}`],
  ['a number of 309 digits', 'either', '{{ 10 ** 308 }}'],
  ['a number beyond', 'refused', '{{ 10 ** 400 }}'],
  ['messages that are none', 'either', '{{ messages[0].content.text.more }}'],
  ['unbalanced generation marks', 'either', '{% generation %}{% endgeneration %}{% endgeneration %}'],
  ['many spaces and generation marks', 'either', `${' \n'.repeat(150_000)}{% generation`],
];

export function templateMutations(): FolderMutation[] {
  return CASES.map(([name, expect, contents]) => ({ name, expect, change: () => ({ [FILE]: contents }) }));
}
