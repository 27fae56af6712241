/** What a person chose about the page. Kept in this browser; where that is forbidden, until the page closes. */
import { type Language, LANGUAGES, preferredLanguage } from '../language/language.ts';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

export interface Settings {
  readonly language: Language;
  readonly theme: Theme;
}

const KEY = 'sensorium-playground';

export function loadSettings(): Settings {
  const stored = readStored();
  return {
    language: LANGUAGES.find((each) => each === stored['language']) ?? preferredLanguage(navigator.languages),
    theme: THEMES.find((each) => each === stored['theme']) ?? 'system',
  };
}

function readStored(): Record<string, unknown> {
  try {
    return { ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Record<string, unknown>) };
  } catch {
    return {};
  }
}

/** Keeps what differs from what the browser and the system say. */
export function saveSettings({ language, theme }: Settings): void {
  const chosen = {
    ...(language === preferredLanguage(navigator.languages) ? {} : { language }),
    ...(theme === 'system' ? {} : { theme }),
  };
  try {
    localStorage.setItem(KEY, JSON.stringify(chosen));
  } catch {
    // Private windows may forbid it.
  }
}

export function applySettings({ language, theme }: Settings): void {
  const { documentElement: root } = document;
  root.lang = language === 'zh' ? 'zh-CN' : 'en';
  if (theme === 'system') delete root.dataset['theme'];
  else root.dataset['theme'] = theme;
}
