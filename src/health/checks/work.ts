import { type Check, finding, held, obstacle, onceLoaded, refusalOf, worstOf } from '../check.ts';
import { type Canary, canaryTtlSeconds, type Facts, grantRemedy } from '../facts.ts';
import { bytes, count, millis, say, seconds } from '../../support/phrase.ts';

/** Whether the server does what it is there for, and how fast it answers. */
export const work: readonly Check[] = [
  {
    id: 'round-trip',
    durationMillis: ({ canary }) =>
      canary === null || canary.outcome === 'left-out' ? 0 : canary.durationMillis,
    assess: onceLoaded((facts) => {
      const { canary } = facts;
      switch (canary?.outcome) {
        case undefined:
          return finding('skip', obstacle(facts) ?? say`interrupted`);
        case 'left-out':
          return finding(
            'skip',
            canary.reason === 'no-write'
              ? say`left out by --no-write`
              : say`the profile is read-only, and this check writes a key`,
          );
        case 'refused':
          return writeRefused(facts, canary);
        case 'returned': {
          const { valueBytes, durationMillis } = canary;
          const evidence = { valueBytes, roundTripMillis: durationMillis };
          const figure = { value: durationMillis, unit: 'millis' as const, evidence };
          if (!canary.sameBytes) {
            const remedy =
              'look for a proxy that rewrites values, and for another process that writes to `cachectl:check:*`';
            return finding('fail', say`the value came back changed`, { ...figure, remedy });
          }
          const passed = say`written, read and removed ${bytes(valueBytes)} in ${millis(durationMillis)}`;
          const left = say`written and read; \`UNLINK\` is refused, so the key expires in ${seconds(canaryTtlSeconds)}`;
          return finding('pass', canary.notRemoved === null ? passed : left, figure);
        }
      }
    }),
  },
  {
    id: 'latency',
    durationMillis: ({ nodes }) => nodes.flatMap(({ pingMillis }) => pingMillis).reduce((a, b) => a + b, 0),
    assess: onceLoaded((facts, limits) => {
      const [first, ...others] = facts.nodes;
      if (first === undefined || facts.nodes.some(({ pingMillis }) => pingMillis.length === 0)) {
        return finding(
          'skip',
          refusalOf(facts.nodes, 'PING') ?? obstacle(facts) ?? say`\`PING\` was not answered`,
        );
      }
      return worstOf([first, ...others], ({ pingMillis }) => latencyOf(pingMillis, limits.maxPingMillis));
    }),
  },
];

/** The upper median: half of the pings took no longer. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function latencyOf(pingMillis: readonly number[], limit: number | undefined) {
  const median = medianOf(pingMillis);
  const slowest = Math.max(...pingMillis);
  const evidence = { medianMillis: median, maxMillis: slowest, pings: pingMillis.length };
  const remedy =
    '`cachectl bench` measures it at length; `SLOWLOG GET` shows which commands block the server';
  return held(
    { value: median, limit, unit: 'millis', evidence, remedy },
    say`median ${millis(median)}, slowest ${millis(slowest)} of ${count(pingMillis.length, 'ping')}`,
    say`median ${millis(median)}`,
  );
}

function writeRefused(facts: Facts, canary: Canary & { readonly outcome: 'refused' }) {
  const { command, error } = canary;
  const evidence = { command, code: error.code };
  if (error.code !== 'READONLY') {
    const ways = [
      error.code === 'NOPERM' ? grantRemedy(facts.username, [canary]) : error.hint,
      command === 'SET' ? '--no-write leaves this check out' : undefined,
    ];
    return finding('fail', say`\`${command}\` is refused: ${error.refused?.answer ?? error.message}`, {
      evidence,
      remedy: ways.filter((way) => way !== undefined).join('; ') || null,
    });
  }
  const primary = facts.nodes
    .flatMap(({ info }) => (info?.['master_host'] === undefined ? [] : [info]))
    .map((info) => `${info['master_host'] ?? ''}:${info['master_port'] ?? ''}`)[0];
  return finding('fail', say`READONLY: a replica takes no writes`, {
    evidence: { ...evidence, primary: primary ?? null },
    remedy: `connect to the primary${primary === undefined ? '' : ` at ${primary}`}, or leave this check out with --no-write`,
  });
}
