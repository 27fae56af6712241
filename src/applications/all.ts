import { DataError } from '../core/index.ts';
import type { Application } from './application.ts';
import { DESIGN } from './definitions/design.ts';
import { DRIVING } from './definitions/driving.ts';
import { EDUCATION } from './definitions/education.ts';
import { MEDICAL } from './definitions/medical.ts';
import { SUPPORT } from './definitions/support.ts';

export const APPLICATIONS: readonly Application[] = [SUPPORT, EDUCATION, MEDICAL, DESIGN, DRIVING];

/** @throws DataError when there is none of that name */
export function applicationOf(id: string): Application {
  const found = APPLICATIONS.find((application) => application.id === id);
  if (found !== undefined) return found;
  const names = APPLICATIONS.map((application) => application.id).join(', ');
  throw new DataError(`there is no application '${id.slice(0, 100)}'`, `there are ${names}`);
}
