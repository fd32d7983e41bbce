import { workloadNames, type WorkloadName } from './options.ts';
import { settingNames, type BenchReport, type SettingName } from './result.ts';

/** What an earlier run left behind, as far as it can be compared. */
export interface Baseline {
  readonly settings: Readonly<Record<SettingName, number | null>>;
  readonly figures: ReadonlyMap<WorkloadName, Figures>;
}

interface Figures {
  readonly throughputPerSecond: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
}

/** A workload now as a share of the same workload then: 1 is no change. */
export interface Comparison {
  readonly workload: WorkloadName;
  readonly throughputRatio: number;
  readonly p50Ratio: number;
  readonly p99Ratio: number;
}

/** Reads the JSON of an earlier run. @throws Error that says what it is instead */
export function parseBaseline(text: string): Baseline {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Error('it is not JSON, or was cut short');
  }
  const report = fieldsOf(parsed);
  const { results } = report;
  if (report['command'] !== 'bench' || !Array.isArray(results)) {
    throw new Error('it is not the result of `cachectl bench --output json`');
  }
  const figures = new Map(
    workloadNames.flatMap((name) => {
      const found = figuresOf(results.map(fieldsOf).find((result) => result['name'] === name));
      return found ? [[name, found] as const] : [];
    }),
  );
  if (figures.size === 0) throw new Error('it holds no figures: that run measured nothing to its end');
  const settings = Object.fromEntries(settingNames.map((name) => [name, numberOf(report[name])]));
  return { settings: settings as Baseline['settings'], figures };
}

/** Compares the workloads that both runs measured to the end. */
export function compareWith(
  baseline: Baseline,
  report: BenchReport,
): { comparisons: Comparison[]; otherSettings: SettingName[] } {
  return {
    comparisons: report.results.flatMap(({ name, throughputPerSecond, latency, complete }) => {
      const then = baseline.figures.get(name);
      if (!then || !latency || !complete) return [];
      return [
        {
          workload: name,
          throughputRatio: throughputPerSecond / then.throughputPerSecond,
          p50Ratio: latency.p50Micros / then.p50Micros,
          p99Ratio: latency.p99Micros / then.p99Micros,
        },
      ];
    }),
    otherSettings: settingNames.filter((name) => baseline.settings[name] !== report[name]),
  };
}

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {};

const numberOf = (value: unknown) =>
  typeof value === 'number' && value >= 0 && value < Infinity ? value : null;

function figuresOf(result: Fields | undefined): Figures | null {
  if (result?.['complete'] !== true) return null;
  const latency = fieldsOf(result['latency']);
  const [throughputPerSecond, p50Micros, p99Micros] = [
    numberOf(result['throughputPerSecond']),
    numberOf(latency['p50Micros']),
    numberOf(latency['p99Micros']),
  ];
  return throughputPerSecond && p50Micros && p99Micros ? { throughputPerSecond, p50Micros, p99Micros } : null;
}
