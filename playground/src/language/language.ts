/** The language of the page, and of the texts that the server offers in several. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Text } from '../api/types.ts';
import { en, type Words } from './en.ts';
import { zh } from './zh.ts';

export const LANGUAGES = ['en', 'zh'] as const;
export type Language = (typeof LANGUAGES)[number];

export const WORDS: Readonly<Record<Language, Words>> = { en, zh };
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { en: 'English', zh: '中文' };

/** The first language of the browser that the page knows. */
export function preferredLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const found = LANGUAGES.find((language) => tag.toLowerCase().startsWith(language));
    if (found !== undefined) return found;
  }
  return 'en';
}

export const LanguageContext = createContext<Language>('en');

export function useLanguage(): Language {
  return useContext(LanguageContext);
}

export function useWords(): Words {
  return WORDS[useContext(LanguageContext)];
}

export function inLanguage(text: Text | undefined, language: Language): string {
  if (text === undefined || typeof text === 'string') return text ?? '';
  return text[language] ?? text['en'] ?? Object.values(text)[0] ?? '';
}
