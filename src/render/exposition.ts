import { Counter, Gauge, Registry } from 'prom-client';
import { printable } from './printable.ts';

export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Samples of one name. `counter`: it never becomes less while the program runs. */
export interface MetricFamily {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly samples: readonly MetricSample[];
}

/**
 * The text format of Prometheus, version 0.0.4. Made anew each time, so that what is not known now is absent and not what it
 * was before.
 */
export async function expositionOf(families: readonly MetricFamily[]): Promise<string> {
  const registry = new Registry();
  for (const { name, type, help, samples } of families) {
    const labelNames = [...new Set(samples.flatMap(({ labels }) => Object.keys(labels)))];
    const options = { name, help, labelNames, registers: [registry] };
    if (type === 'counter') {
      const counter = new Counter(options);
      for (const { labels, value } of samples) counter.inc(escaped(labels), value);
    } else {
      const gauge = new Gauge(options);
      for (const { labels, value } of samples) gauge.set(escaped(labels), value);
    }
  }
  return registry.metrics();
}

export const expositionType = Registry.PROMETHEUS_CONTENT_TYPE;

/** Names come from keys: what would act on a terminal is escaped as everywhere. An empty label is none. */
const escaped = (labels: MetricSample['labels']) =>
  Object.fromEntries(
    Object.entries(labels).flatMap(([name, value]) => (value === '' ? [] : [[name, printable(value)]])),
  );
