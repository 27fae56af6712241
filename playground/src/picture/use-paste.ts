import { useEffect, useRef } from 'preact/hooks';
import { picturesIn } from './take.ts';

/** Takes pictures that are pasted anywhere, while the view is the one that is seen. */
export function usePaste(active: boolean, add: (files: readonly File[]) => Promise<void>): void {
  const latest = useRef(add);
  latest.current = add;
  useEffect(() => {
    if (!active) return;
    const paste = (event: ClipboardEvent): void => {
      const files = picturesIn(event.clipboardData);
      if (files.length === 0) return;
      event.preventDefault();
      void latest.current(files);
    };
    document.addEventListener('paste', paste);
    return () => document.removeEventListener('paste', paste);
  }, [active]);
}
