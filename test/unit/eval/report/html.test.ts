import { expect, it } from 'vitest';
import { escapeHtml, formatCount, formatPercent, langAttribute, safeUrl } from '../../../../src/eval/report/html.ts';

it('escapeHtml leaves nothing that opens a tag or closes an attribute', () => {
  expect(escapeHtml(`<a b='c' d="e">&amp;`)).toBe('&lt;a b=&#39;c&#39; d=&quot;e&quot;&gt;&amp;amp;');
  expect(escapeHtml('a\u0000b\u001Bc\u202Ed\uD800e\tf\n')).toBe('abcde\tf\n');
  expect(escapeHtml('红苹果 👩‍🚀')).toBe('红苹果 👩‍🚀');
});

it('langAttribute takes language tags only', () => {
  expect(langAttribute('zh-Hans')).toBe(' lang="zh-Hans"');
  expect(langAttribute('en" onload="x')).toBe('');
  expect(langAttribute('')).toBe('');
});

it('safeUrl takes https only', () => {
  expect(safeUrl('https://openmoji.org/')).toBe('https://openmoji.org/');
  for (const url of ['http://a.b/', 'javascript:alert(1)', 'data:text/html,x', 'nothing', undefined]) {
    expect(safeUrl(url)).toBeUndefined();
  }
  expect(safeUrl('https://a.b/"><script>')).not.toContain('"');
});

it('formats shares and counts', () => {
  expect(formatPercent(0.8341)).toBe('83.4\u00A0%');
  expect(formatPercent(Number.NaN)).toBe('–');
  expect([7, 1234, 1234567].map(formatCount)).toEqual(['7', '1\u202F234', '1\u202F234\u202F567']);
});
