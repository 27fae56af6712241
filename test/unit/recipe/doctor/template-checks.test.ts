import { describe, expect, it } from 'vitest';
import { CONVERSATION_TEMPLATE } from '../../../../src/data/index.ts';
import { modelFindings } from '../../../../src/recipe/doctor/model-checks.ts';
import { templateFindings } from '../../../../src/recipe/doctor/template-checks.ts';
import { tokenizer, tokenizerWith } from './subject.ts';

function found(template: string | undefined, changes: { imageMarker?: string; stopTokens?: number[] } = {}): string[] {
  const stopTokens = [tokenizer.id('<|end|>')!];
  const subject = { tokenizer: tokenizerWith(template), imageMarker: '<image>', stopTokens, where: 'here', ...changes };
  return templateFindings(subject).map(({ level, check }) => `${level} ${check}`);
}

/** As the project's own, written on one line with parts that can be broken. */
function template({ picture = '<image>', end = '<|end|>', prompt = '<|assistant|>', role = "m['role']" } = {}): string {
  return (
    `{% for m in messages %}<|{{ ${role} }}|>{% if m['content'] is string %}{{ m['content'] }}{% else %}` +
    `{% for p in m['content'] %}{% if p['type'] == 'image' %}${picture}{% else %}{{ p['text'] }}{% endif %}{% endfor %}` +
    `{% endif %}${end}{% endfor %}{% if add_generation_prompt %}${prompt}{% endif %}`
  );
}

describe('templateFindings', () => {
  it('has nothing to say of a good template', () => {
    expect(found(CONVERSATION_TEMPLATE)).toEqual([]);
    expect(found(template())).toEqual([]);
    expect(found(template({ picture: '' }), { imageMarker: undefined as never })).toEqual([]);
  });

  it('finds a template that is absent or refuses', () => {
    expect(found(undefined)).toEqual(['error chat-template']);
    expect(found("{{ raise_exception('no') }}")).toEqual(['error chat-template']);
  });

  it('finds pictures without a marker, or with two', () => {
    expect(found(template({ picture: '' }))).toEqual(['error image-marker']);
    expect(found(template({ picture: '<image><image>' }))).toEqual(['error image-marker']);
  });

  it('finds answers that are not written as they are', () => {
    expect(found(template().replace("{{ p['text'] }}", "{{ p['text'] | upper }}"))).toEqual(['error assistant-turns']);
    expect(found(template().replace("{{ p['text'] }}", ''))).toContain('error assistant-turns');
  });

  it('finds prompts that training writes otherwise', () => {
    expect(found(template({ prompt: '<|assistant|>Answer: ' }))).toEqual(['error generation-prompt']);
    expect(found(template({ prompt: '' }))).toEqual(['warning generation-prompt']);
    // The last turn is written otherwise than the same turn is before others.
    const last = template({ end: '{% if loop.last and not add_generation_prompt %}.{% else %}<|end|>{% endif %}' });
    expect(found(last)).toEqual(['warning assistant-turns', 'warning end-of-turn']);
  });

  it('finds answers whose end the model does not know', () => {
    expect(found(template({ end: '\n' }))).toEqual(['warning end-of-turn']);
    expect(found(template(), { stopTokens: [] })).toEqual(['warning end-of-turn']);
    expect(found(template({ end: '\n<|end|>' }))).toEqual([]);
  });

  it('finds a start that is written twice', () => {
    const twice = tokenizerWith(`<|system|><|system|>${template()}`, { bos_token: '<|system|>' });
    const subject = { tokenizer: twice, imageMarker: '<image>', stopTokens: [1], where: 'here' };
    expect(templateFindings(subject).map(({ check }) => check)).toEqual(['start']);
  });
});

describe('modelFindings', () => {
  const whole = { tokenizer, embeddings: tokenizer.vocabularySize, context: 64, rowLength: 64, where: 'here' };
  const checks = (changes: Partial<typeof whole>): string[] =>
    modelFindings({ ...whole, ...changes }).map(({ level, check }) => `${level} ${check}`);

  it('has nothing to say of files that belong together', () => {
    expect(checks({})).toEqual([]);
    // Tables are rounded up.
    expect(checks({ embeddings: tokenizer.vocabularySize + 50 })).toEqual([]);
  });

  it('finds a tokenizer of another model', () => {
    expect(checks({ embeddings: tokenizer.vocabularySize - 1 })).toEqual(['error vocabulary']);
    expect(checks({ embeddings: 10_000 })).toEqual(['warning vocabulary']);
  });

  it('finds rows longer than the context', () => {
    expect(checks({ rowLength: 65 })).toEqual(['error context']);
  });

  it('says where padding goes and what it is', () => {
    expect(checks({ tokenizer: tokenizerWith(CONVERSATION_TEMPLATE, { padding_side: 'right' }) })).toEqual([
      'note padding-side',
    ]);
    expect(checks({ tokenizer: tokenizerWith(CONVERSATION_TEMPLATE, { pad_token: null }) })).toEqual([
      'note padding-token',
    ]);
    expect(checks({ tokenizer: tokenizerWith(CONVERSATION_TEMPLATE, { pad_token: '<|end|>' }) })).toEqual([
      'note padding-token',
    ]);
  });
});
