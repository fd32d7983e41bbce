import { InputError } from '../../support/failure.ts';
import { observedTraffic } from '../../health/namespace-targets.ts';
import type { NamespaceMap } from '../../keyspace/map.ts';
import { counted } from '../../render/units.ts';
import { fewestLookups, type HitMode, type TrafficReport } from '../../traffic/report.ts';

/** The verdict of `--fail-below-target`. */
export interface TargetGate {
  /** False where a target was missed, and where none could be judged: a gate does not pass on what was not shown. */
  readonly met: boolean;
  /** Why it did not pass; null where it did. */
  readonly reason: string | null;
  /** Namespaces whose target was judged, and those of them that miss it. */
  readonly judgedNamespaces: readonly string[];
  readonly missedNamespaces: readonly string[];
}

/** @throws InputError where no window could ever be judged: there is no target, or the mode knows no hit rates */
export function requireTargets(map: NamespaceMap, mode: HitMode | null): void {
  if (mode === 'misses-only' || mode === 'counters')
    throw new InputError(
      `--fail-below-target needs hit rates by namespace, and \`--mode ${mode}\` has none`,
      'use `--mode exact` or `--mode sampled`',
    );
  if (map.namespaces.some(({ kind, hitRateTarget }) => kind === 'cache' && hitRateTarget !== null)) return;
  throw new InputError(
    map.isEmpty
      ? '--fail-below-target needs a namespace map with a `hitRateTarget`, and there is no map'
      : '--fail-below-target needs a `hitRateTarget`, and no cache namespace of the map has one',
    map.isEmpty
      ? '`cachectl config init` writes a first map; then set `"hitRateTarget": 0.9` on its namespaces'
      : 'set `"hitRateTarget": 0.9` on a namespace; `cachectl config show` prints the map',
  );
}

/** Holds a window against the targets of the map. */
export function judgeTargets(report: TrafficReport): TargetGate {
  const judged = observedTraffic(report)?.judged ?? [];
  const missed = judged.filter(({ isMet }) => !isMet).map(({ namespace }) => namespace);
  const reason = !report.valid
    ? 'the window is not valid'
    : judged.length === 0
      ? `no namespace with a target was judged; it takes ${fewestLookups} reads in the window`
      : missed.length > 0
        ? `${missed.join(', ')}: ${missed.length === 1 ? 'hit rate' : 'hit rates'} below target`
        : null;
  return {
    met: reason === null,
    reason,
    judgedNamespaces: judged.map(({ namespace }) => namespace),
    missedNamespaces: missed,
  };
}

/** The verdict in words for stderr; null where it passed. */
export function gateText({ reason, judgedNamespaces }: TargetGate): string | null {
  if (reason === null) return null;
  const judged =
    judgedNamespaces.length === 0 ? '' : ` (${counted(judgedNamespaces.length, 'namespace')} judged)`;
  return `--fail-below-target did not pass: ${reason}${judged}`;
}
