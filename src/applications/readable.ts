/** An answer as a text for people, laid out by its form. */
import { type Application, type Language, WARNING } from './application.ts';
import type { Applied } from './apply.ts';

/** The warning stands first, and notes last. */
export function readable(application: Application, { answer, notes, language }: Applied): string {
  const { [WARNING]: _, ...rest } = answer;
  const { warning } = application;
  return [
    ...(warning === undefined ? [] : [`⚠ ${warning[language]}`, '']),
    ...entries(rest, application, language),
    ...(notes.length === 0 ? [] : ['', ...notes.map((note) => `! ${note}`)]),
  ].join('\n');
}

function entries(value: object, application: Application, language: Language): string[] {
  return Object.entries(value).flatMap(([key, part]) => {
    const label = application.labels[key]?.[language] ?? key;
    const colon = language === 'zh' ? '：' : ': ';
    if (typeof part !== 'object' || part === null) return [`${label}${colon}${plain(part, language)}`];
    const lines = Array.isArray(part) ? items(part, application, language) : entries(part, application, language);
    return lines.length === 0 ? [] : [`${label}${colon.trimEnd()}`, ...lines.map((line) => `  ${line}`)];
  });
}

function items(list: readonly unknown[], application: Application, language: Language): string[] {
  return list.flatMap((item) => {
    const lines =
      typeof item === 'object' && item !== null ? entries(item, application, language) : [plain(item, language)];
    return lines.map((line, i) => `${i === 0 ? '-' : ' '} ${line}`);
  });
}

function plain(value: unknown, language: Language): string {
  if (typeof value === 'boolean') return language === 'zh' ? (value ? '是' : '否') : value ? 'yes' : 'no';
  return String(value).replaceAll(/\s+/g, ' ').trim();
}
