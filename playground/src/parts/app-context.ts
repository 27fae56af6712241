/** What every part of the page may use. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';

export interface AppState {
  readonly models: readonly string[];
  /** The chosen model, or an empty string before the server has named any. */
  readonly model: string;
  readonly setModel: (model: string) => void;
  readonly refreshModels: () => Promise<void>;
  /** Says something to those who listen to the page. */
  readonly announce: (text: string) => void;
}

export const AppContext = createContext<AppState | undefined>(undefined);

export function useApp(): AppState {
  const app = useContext(AppContext);
  if (app === undefined) throw new Error('a part of the page stands outside of it');
  return app;
}
