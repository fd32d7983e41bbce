import { join } from 'node:path';
import type { Family } from './family.ts';
import { boardroom } from './systems/boardroom.ts';
import { content } from './systems/content.ts';
import { education } from './systems/education.ts';
import { honzik } from './systems/honzik.ts';
import { subjunctive } from './systems/subjunctive.ts';
import type { SystemName } from './system-names.ts';

export { systemDescriptions, type SystemName, systemNames } from './system-names.ts';

/** The namespace map of a system. */
export function configFileOf(system: SystemName, packageRoot: string): string {
  return join(packageRoot, 'examples', system, 'cachectl.config.json');
}

export const familiesOf: Readonly<Record<SystemName, readonly Family[]>> = {
  education,
  content,
  subjunctive,
  boardroom,
  honzik,
};
