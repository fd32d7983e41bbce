import type { Family } from './family.ts';
import type { SystemName } from './systems.ts';
import { boardroom } from './systems/boardroom.ts';
import { content } from './systems/content.ts';
import { education } from './systems/education.ts';
import { honzik } from './systems/honzik.ts';
import { subjunctive } from './systems/subjunctive.ts';

export const familiesOf: Readonly<Record<SystemName, readonly Family[]>> = {
  ...{ education, content, subjunctive, boardroom, honzik },
};
