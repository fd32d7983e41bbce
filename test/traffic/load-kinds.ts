import type { CausesLoad } from './causes-load.ts';
import type { SteadyLoad } from './steady-load.ts';

/** Stores what a steady load is to find, and reads nothing. */
export interface FillLoad extends Omit<SteadyLoad, 'kind'> {
  readonly kind: 'fill';
}

export type Load = CausesLoad | SteadyLoad | FillLoad;

/** Said on stderr when the traffic begins. */
export const begunLine = 'the traffic begins\n';
