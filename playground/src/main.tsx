import { render } from 'preact';
import { App } from './app.tsx';
import { applySettings, loadSettings } from './parts/settings.ts';
import './styles/base.css';
import './styles/layout.css';
import './styles/parts.css';

const settings = loadSettings();
// Before the first paint, so that no colours flash.
applySettings(settings);
render(<App initial={settings} />, document.getElementById('page')!);
