import type { ComponentChild, JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';

interface TabsProps {
  readonly id: string;
  readonly tabs: readonly { readonly id: string; readonly title: string; readonly content: ComponentChild }[];
}

/** Tabs as the ARIA practices describe them: one stop of the tab key, arrows between them. */
export function Tabs({ id, tabs }: TabsProps): JSX.Element {
  const [chosen, setChosen] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const go = (to: number): void => {
    const next = (to + tabs.length) % tabs.length;
    setChosen(next);
    list.current?.querySelectorAll<HTMLElement>('[role=tab]')[next]?.focus();
  };
  return (
    <div class="tabs">
      <div
        role="tablist"
        ref={list}
        onKeyDown={(event) => {
          if (event.key === 'ArrowRight') go(chosen + 1);
          else if (event.key === 'ArrowLeft') go(chosen - 1);
        }}
      >
        {tabs.map((tab, i) => (
          <button
            key={tab.id}
            type="button"
            role="tab"
            id={`${id}-tab-${tab.id}`}
            aria-controls={`${id}-panel-${tab.id}`}
            aria-selected={i === chosen}
            tabIndex={i === chosen ? 0 : -1}
            onClick={() => setChosen(i)}
          >
            {tab.title}
          </button>
        ))}
      </div>
      {tabs.map((tab, i) => (
        <div
          key={tab.id}
          role="tabpanel"
          id={`${id}-panel-${tab.id}`}
          aria-labelledby={`${id}-tab-${tab.id}`}
          tabIndex={0}
          hidden={i !== chosen}
        >
          {tab.content}
        </div>
      ))}
    </div>
  );
}
