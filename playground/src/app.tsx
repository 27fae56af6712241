import type { JSX } from 'preact';
import { useCallback, useEffect, useLayoutEffect, useMemo, useState } from 'preact/hooks';
import { listApplications, listModels } from './api/client.ts';
import type { Application } from './api/types.ts';
import { inLanguage, LanguageContext, WORDS } from './language/language.ts';
import { AppContext, type AppState } from './parts/app-context.ts';
import { FailureNote } from './parts/failure-note.tsx';
import { Header } from './parts/header.tsx';
import { applySettings, saveSettings, type Settings } from './parts/settings.ts';
import { ApplicationView } from './views/application.tsx';
import { CompareView, type Pair } from './views/compare.tsx';
import { LookView } from './views/look.tsx';
import { TeachView } from './views/teach.tsx';

/** The whole page. A view that was opened once stays as it was left. */
export function App({ initial }: { initial: Settings }): JSX.Element {
  const [settings, setSettings] = useState(initial);
  const [models, setModels] = useState<readonly string[]>([]);
  const [model, setModel] = useState('');
  const [applications, setApplications] = useState<readonly Application[]>([]);
  const [error, setError] = useState<unknown>();
  const [said, setSaid] = useState('');
  const [pair, setPair] = useState<Pair>();
  const [view, go] = useView();
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set([view]));
  const { language } = settings;
  const t = WORDS[language];

  // Before the page is painted anew, which would show the colours of before for a moment.
  useLayoutEffect(() => {
    applySettings(settings);
    saveSettings(settings);
  }, [settings]);
  useEffect(() => setOpened((before) => new Set([...before, view])), [view]);

  const refreshModels = useCallback(async (): Promise<void> => {
    try {
      const names = await listModels();
      setModels(names);
      setModel((before) => (names.includes(before) ? before : (names[0] ?? '')));
      setApplications(await listApplications());
      setError(undefined);
    } catch (problem) {
      setError(problem);
    }
  }, []);
  useEffect(() => void refreshModels(), [refreshModels]);

  const app = useMemo<AppState>(
    () => ({ models, model, setModel, refreshModels, announce: setSaid }),
    [models, model, refreshModels],
  );
  const known = ['look', 'compare', 'teach', ...applications.map(({ id }) => id)];
  const current = known.includes(view) ? view : 'look';
  const titles: Record<string, string> = { look: t.look, compare: t.compare, teach: t.teach };
  for (const { id, title } of applications) titles[id] = inLanguage(title, language);
  useEffect(() => {
    document.title = `${titles[current]} · Sensorium`;
  }, [titles[current]]);

  const panel = (id: string, content: (active: boolean) => JSX.Element): JSX.Element | null =>
    opened.has(id) || id === current ? (
      <div key={id} hidden={id !== current}>
        {content(id === current)}
      </div>
    ) : null;
  return (
    <LanguageContext.Provider value={language}>
      <AppContext.Provider value={app}>
        <a class="skip" href="#content" onClick={focusContent}>
          {t.skip}
        </a>
        <Header
          settings={settings}
          onSettings={setSettings}
          current={current}
          views={known.map((id) => ({
            id,
            title: titles[id]!,
            application: !['look', 'compare', 'teach'].includes(id),
          }))}
        />
        <main id="content" tabIndex={-1}>
          <h1 class="hidden">{titles[current]}</h1>
          {error === undefined ? null : <FailureNote error={error} retry={() => void refreshModels()} />}
          {panel('look', (active) => (
            <LookView active={active} />
          ))}
          {panel('compare', (active) => (
            <CompareView active={active} pair={pair} />
          ))}
          {panel('teach', (active) => (
            <TeachView
              active={active}
              onTry={(name) => {
                setModel(name);
                go('look');
              }}
              onCompare={(two) => {
                setPair(two);
                go('compare');
              }}
            />
          ))}
          {applications.map((application) =>
            panel(application.id, (active) => <ApplicationView application={application} active={active} />),
          )}
        </main>
        <footer>
          <p>{t.local}</p>
        </footer>
        <p class="hidden" role="status">
          {said}
        </p>
      </AppContext.Provider>
    </LanguageContext.Provider>
  );
}

function focusContent(event: MouseEvent): void {
  // The address after # names the view.
  event.preventDefault();
  document.getElementById('content')?.focus();
}

/** The view that the address names (`#teach`), so that the back button and bookmarks work. */
function useView(): [view: string, go: (view: string) => void] {
  const read = (): string => decodeURIComponent(location.hash.slice(1)) || 'look';
  const [view, setView] = useState(read);
  useEffect(() => {
    const change = (): void => setView(read());
    addEventListener('hashchange', change);
    return () => removeEventListener('hashchange', change);
  }, []);
  return [
    view,
    (next) => {
      location.hash = next;
    },
  ];
}
