import type { LatencySummary } from '../../bench/latency.ts';
import { type Html, html } from '../../render/html.ts';
import { type PageColumn, section, tableOf } from './parts.ts';
import type { ReportData } from './result.ts';

interface Measured {
  readonly name: string;
  readonly workload: string;
  readonly throughputPerSecond: number;
  readonly latency: LatencySummary | null;
}

const percentiles = [
  ['p50Micros', '50 %'],
  ['p90Micros', '90 %'],
  ['p95Micros', '95 %'],
  ['p99Micros', '99 %'],
  ['p999Micros', '99.9 %'],
  ['maxMicros', 'all'],
] as const;

/** Latencies of measurements: how many of the answers came within which time. */
export function chartsOf(bench: ReportData['bench']): Html {
  const rows = bench.flatMap(({ name, report }) =>
    report.results.map(({ name: workload, throughputPerSecond, latency }) => ({
      name,
      workload,
      throughputPerSecond,
      latency,
    })),
  );
  const columns: PageColumn<Measured>[] = [
    { header: 'Measurement', unit: 'text', value: ({ name, workload }) => `${workload} (${name})` },
    { header: 'Throughput', unit: 'perSecond', value: ({ throughputPerSecond }) => throughputPerSecond },
    ...percentiles.map(([field, header]): PageColumn<Measured> => ({
      header,
      unit: 'micros',
      value: ({ latency }) => latency?.[field] ?? null,
    })),
  ];
  return section(
    'How fast it answers',
    'Of the answers so many came within the time in the column.',
    curveOf(rows),
    tableOf('Latency by percentile', columns, rows),
  );
}

/** A line for each measurement, over percentiles at equal distances; latency on a logarithmic scale. */
function curveOf(rows: readonly Measured[]): Html | null {
  const known = rows.filter((each): each is Measured & { latency: LatencySummary } => each.latency !== null);
  const values = known.flatMap(({ latency }) => percentiles.map(([field]) => Math.max(1, latency[field])));
  if (values.length === 0) return null;
  const [low, high] = [Math.log(Math.min(...values)), Math.log(Math.max(...values))];
  const [left, right, top, bottom] = [20, 780, 16, 184];
  const xOf = (index: number) => left + ((right - left) * index) / (percentiles.length - 1);
  const yOf = (micros: number) =>
    bottom - (high === low ? 0 : ((Math.log(Math.max(1, micros)) - low) / (high - low)) * (bottom - top));
  const lines = known.map(({ latency }, index) => {
    const points = percentiles.map(
      ([field], at) => `${xOf(at).toFixed(1)},${yOf(latency[field]).toFixed(1)}`,
    );
    return html`<polyline class="line c-${index % 8}" points="${points.join(' ')}" />`;
  });
  const marks = percentiles.map(
    ([, label], at) => html`<text x="${xOf(at).toFixed(1)}" y="204" class="mark">${label}</text>`,
  );
  return html`<svg
    class="curve"
    role="img"
    aria-label="Latency by percentile; the table has the figures"
    viewBox="0 0 800 212"
  >
    ${lines}${marks}
  </svg>`;
}
