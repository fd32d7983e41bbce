import { doctorRules } from '../../health/doctor/diagnose.ts';
import type { KeyFacts, NamespaceFacts } from '../../health/doctor/key-facts.ts';
import { Missing } from '../../health/doctor/rule.ts';
import { groupBy } from '../../support/collections.ts';
import { fewestLookups } from '../../traffic/report.ts';
import type { Context, Outcome } from '../context.ts';
import type { DoctorResult } from '../doctor/result.ts';
import { examine } from '../doctor/run.ts';
import type { HitsResult } from '../hits/result.ts';
import type { InspectResult } from '../inspect/result.ts';

/** These ask for more of single keys than a report has read, and are left to `doctor`. */
const unanswered = ['ttl-herd', 'no-jitter', 'big-collection', 'pickled-values', 'unstable-keys'];

/** The grade has it, as counted when the server was read first: it would be on the page with two numbers. */
const graded = ['evictions'];

/** What the doctor finds with what a report has read of keys and traffic: nothing is read again. */
export function doctorOf(
  context: Context,
  inspect: InspectResult,
  hits: HitsResult | null,
): Promise<Outcome<DoctorResult>> {
  // The grade is by the reads that were observed; this rule would judge those since the counters began as well.
  const isGraded = hits?.valid === true && (hits.reads ?? 0) >= fewestLookups;
  const left = isGraded ? [...unanswered, ...graded, 'hit-rate'] : [...unanswered, ...graded];
  const only = doctorRules.filter(({ id }) => !left.includes(id)).map(({ number }) => number);
  return examine(
    context,
    { failOn: 'critical', keys: true, only },
    { keys: keyFactsOf(inspect), traffic: hits ?? new Missing(['the traffic was not observed']) },
  );
}

function keyFactsOf({ keys, exact, namespaces, largest, serverCost }: InspectResult): KeyFacts {
  const refusedOf = (name: string) =>
    serverCost.refusedColumns.find(({ column }) => column === name)?.reason ?? null;
  return {
    ...{ keys, exact },
    namespaces: [...groupBy(namespaces, ({ namespace }) => namespace)].map(([namespace, rows]) =>
      summedUp(namespace, rows),
    ),
    ...{ refusedTtl: refusedOf('ttl'), refusedMemory: refusedOf('memory') },
    largest: largest.map(({ key, memoryBytes, type }) => ({ key, memoryBytes, type, elements: null })),
    ...{ herds: [], unstable: [], values: [], hottest: null },
  };
}

/** The rows of a namespace, of which there is one for each level below it, as one. */
function summedUp(namespace: string, rows: InspectResult['namespaces']): NamespaceFacts {
  const sum = (of: (row: (typeof rows)[number]) => number | null) =>
    rows.reduce<number | null>((total, row) => {
      const value = of(row);
      return total === null || value === null ? null : total + value;
    }, 0);
  const rules = rows.flatMap(({ ttlRule }) => ttlRule ?? []);
  const [rule] = rules;
  const broken = (of: (each: (typeof rules)[number]) => number) =>
    rules.reduce((total, each) => total + of(each), 0);
  return {
    ...{ namespace, kind: rows[0]?.kind ?? null, keys: sum(({ keys }) => keys) ?? 0 },
    memoryBytes: sum(({ memoryBytes }) => memoryBytes),
    withoutTtl: sum(({ withoutTtl }) => withoutTtl),
    withoutTtlMemoryBytes: sum(({ withoutTtlMemoryBytes }) => withoutTtlMemoryBytes),
    ttlRule:
      rule === undefined
        ? null
        : {
            ...{ rule: rule.rule, guessed: rule.guessed },
            missing: broken(({ missing }) => missing),
            tooLong: broken(({ tooLong }) => tooLong),
            unexpected: broken(({ unexpected }) => unexpected),
            drifting: broken(({ drifting }) => drifting),
            fallsShort: rules.every(({ fallsShort }) => fallsShort),
          },
    ttlAtUse: null,
  };
}
