import type { PageSection } from './document.ts';
import { escapeHtml } from './html.ts';
import { renderFacts, renderLicences } from './tables.ts';
import type { DataLicence, FactGroup } from './types.ts';

/** What the last sections of a page are about. */
export interface ClosingParts {
  readonly facts: readonly FactGroup[];
  /** The whole text. */
  readonly recipe?: string | undefined;
  readonly caveats: readonly string[];
  readonly licences: readonly DataLicence[];
}

/** How it was done, how far the figures go, and whose data they stand on; what is empty is left out. */
export function closingSections({ facts, recipe, caveats, licences }: ClosingParts): PageSection[] {
  const sections: PageSection[] = [];
  if (facts.length > 0 || recipe !== undefined) {
    const whole =
      recipe === undefined
        ? ''
        : `<details><summary>The whole recipe</summary><pre tabindex="0"><code>${escapeHtml(recipe)}</code></pre></details>`;
    sections.push({
      id: 'run',
      title: 'The run',
      lead: 'Everything needed to do it again.',
      body: `${renderFacts(facts)}${whole}`,
    });
  }
  if (caveats.length > 0)
    sections.push({
      id: 'caveats',
      title: 'How far this goes',
      lead: 'What the figures above do not say.',
      body: `<ul class="caveats">${caveats.map((text) => `<li>${escapeHtml(text)}</li>`).join('')}</ul>`,
    });
  if (licences.length > 0)
    sections.push({
      id: 'licences',
      title: 'Data and licences',
      lead: 'Whose work this stands on.',
      body: renderLicences(licences),
    });
  return sections;
}
