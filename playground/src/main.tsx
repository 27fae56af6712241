import { render } from 'preact';
import { App } from './app.tsx';
import { applySettings, loadSettings } from './parts/settings.ts';

const settings = loadSettings();
// Before the first paint, so that no colours flash.
applySettings(settings);
render(<App initial={settings} />, document.getElementById('page')!);
