import type { CountingRule } from './counting.ts';
import { anyTypeRules } from './any-type.ts';
import { collectionRules } from './collections.ts';
import { sortedSetRules } from './sorted-sets.ts';
import { streamRules } from './streams.ts';
import { stringRules } from './strings.ts';

export { lookupsOf } from './lookups.ts';

/**
 * How Redis from 7.0 on and Valkey count each command that reads or writes keys; a command without a rule does neither.
 * Measured, row by row, by test/integration/counting-rules.test.ts; docs/counting-rules.md says it in words.
 */
export const countingRules: readonly CountingRule[] = [
  ...anyTypeRules,
  ...stringRules,
  ...collectionRules,
  ...sortedSetRules,
  ...streamRules,
];
