import type { ComparedResult } from './comparison.ts';
import { latencyNames, type LatencySummary } from './latency.ts';
import { workloadNames } from './options.ts';
import { type BenchReport, settingNames, type SettingName } from './result.ts';

/** What an earlier run left behind, as far as it can be compared. */
export interface Baseline {
  readonly settings: Readonly<Record<SettingName, number | string | null>>;
  readonly results: readonly ComparedResult[];
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
  const found = workloadNames.flatMap((name): ComparedResult[] => {
    const result = fieldsOf(results.find((each) => fieldsOf(each)['name'] === name));
    const whole = result['complete'] === true ? roundOf(result) : null;
    if (whole === null) return [];
    const rounds = Array.isArray(result['rounds']) ? result['rounds'] : [];
    return [
      { name, complete: true, ...whole, rounds: rounds.flatMap((each) => roundOf(fieldsOf(each)) ?? []) },
    ];
  });
  if (found.length === 0) throw new Error('it holds no figures: that run measured nothing to its end');
  const settings = Object.fromEntries(settingNames.map((name) => [name, scalarOf(report[name])]));
  return { settings: settings as Baseline['settings'], results: found };
}

/** Settings under which the baseline was measured, and the report was not. */
export const otherSettingsOf = ({ settings }: Baseline, report: BenchReport): SettingName[] =>
  settingNames.filter((name) => settings[name] !== report[name]);

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {};

const numberOf = (value: unknown) =>
  typeof value === 'number' && value >= 0 && value < Infinity ? value : null;

const scalarOf = (value: unknown) => (typeof value === 'string' ? value : numberOf(value));

/** Null where a figure is missing or is nothing: there would be no share of it. */
function roundOf(fields: Fields): ComparedResult['rounds'][number] | null {
  const throughputPerSecond = numberOf(fields['throughputPerSecond']);
  const latency = fieldsOf(fields['latency']);
  const figures = latencyNames.map((name) => [name, numberOf(latency[name])] as const);
  const isWhole = figures.every(([name, value]) => value !== null && (value > 0 || name === 'stddevMicros'));
  if (!throughputPerSecond || !isWhole) return null;
  return { throughputPerSecond, latency: Object.fromEntries(figures) as unknown as LatencySummary };
}
