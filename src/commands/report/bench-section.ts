import type { LatencySummary } from '../../bench/latency.ts';
import type { Html } from '../../render/html.ts';
import { lineChartOf } from '../../render/line-chart.ts';
import { formatCell } from '../../render/units.ts';
import { type PageColumn, section, tableOf } from './parts.ts';
import type { ReportData } from './result.ts';

interface Measured {
  readonly name: string;
  readonly workload: string;
  readonly throughputPerSecond: number;
  readonly latency: LatencySummary | null;
}

const percentiles = [
  ['p50Micros', '50 %', 'p50'],
  ['p90Micros', '90 %', 'p90'],
  ['p95Micros', '95 %', 'p95'],
  ['p99Micros', '99 %', 'p99'],
  ['p999Micros', '99.9 %', 'p99.9'],
  ['maxMicros', 'all', 'max'],
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
  const [low, high] = [
    Math.floor(Math.log10(Math.min(...values))),
    Math.ceil(Math.log10(Math.max(...values))),
  ];
  const decades = Math.max(1, high - low);
  return lineChartOf({
    label: 'Latency by percentile; the table has the figures',
    lines: known.map(({ name, workload, latency }) => ({
      name: `${workload} (${name})`,
      points: percentiles.map(([field], index) => ({
        x: index / (percentiles.length - 1),
        y: (Math.log10(Math.max(1, latency[field])) - low) / decades,
      })),
    })),
    xMarks: percentiles.map(([, , mark]) => mark),
    yMarks: Array.from({ length: decades + 1 }, (_, index) => formatCell(10 ** (low + index), 'micros')),
  });
}
