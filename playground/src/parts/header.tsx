import type { JSX } from 'preact';
import { LANGUAGE_NAMES, LANGUAGES, useWords } from '../language/language.ts';
import { useApp } from './app-context.ts';
import { ModelSelect } from './model-select.tsx';
import { type Settings, type Theme, THEMES } from './settings.ts';

interface HeaderProps {
  readonly settings: Settings;
  readonly onSettings: (settings: Settings) => void;
  readonly current: string;
  readonly views: readonly { readonly id: string; readonly title: string; readonly application: boolean }[];
}

export function Header({ settings, onSettings, current, views }: HeaderProps): JSX.Element {
  const t = useWords();
  const { model, setModel } = useApp();
  const themes: Record<Theme, string> = { system: t.themeSystem, light: t.themeLight, dark: t.themeDark };
  const links = (application: boolean): JSX.Element[] =>
    views
      .filter((view) => view.application === application)
      .map(({ id, title }) => (
        <li key={id}>
          <a href={`#${id}`} aria-current={id === current ? 'page' : undefined}>
            {title}
          </a>
        </li>
      ));
  return (
    <header class="top">
      <div class="bar">
        <p class="brand">
          <img src="./mark.svg" alt="" width="26" height="26" />
          <span>Sensorium</span>
        </p>
        <div class="controls">
          <ModelSelect label={t.model} value={model} onChange={setModel} />
          <label class="choice">
            <span class="label">{t.theme}</span>
            <select
              value={settings.theme}
              onChange={(event) => onSettings({ ...settings, theme: event.currentTarget.value as Theme })}
            >
              {THEMES.map((theme) => (
                <option key={theme} value={theme}>
                  {themes[theme]}
                </option>
              ))}
            </select>
          </label>
          <div class="languages" role="group" aria-label={t.language}>
            {LANGUAGES.map((language) => (
              <button
                key={language}
                type="button"
                lang={language === 'zh' ? 'zh-CN' : 'en'}
                aria-pressed={language === settings.language}
                onClick={() => onSettings({ ...settings, language })}
              >
                {LANGUAGE_NAMES[language]}
              </button>
            ))}
          </div>
        </div>
      </div>
      <nav aria-label={t.nav}>
        <ul>{links(false)}</ul>
        {views.some(({ application }) => application) ? (
          <div class="group">
            <span class="label" aria-hidden="true">
              {t.applications}
            </span>
            <ul>{links(true)}</ul>
          </div>
        ) : null}
      </nav>
    </header>
  );
}
