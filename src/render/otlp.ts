import type { MetricFamily, MetricSample } from './exposition.ts';
import { printable } from './printable.ts';

/** Who the metrics are of. */
type Resource = Readonly<Record<string, string>>;

/** Both kinds of points add up over the time since the server or the program began. */
const cumulative = 2;

/**
 * An export request of OTLP/HTTP in JSON, as a collector of OpenTelemetry takes it.
 * @param millis when the values were read, since the epoch
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
export function otlpRequestOf(
  families: readonly MetricFamily[],
  resource: Resource,
  { version, millis }: { readonly version: string; readonly millis: number },
): object {
  const timeUnixNano = `${Math.round(millis)}000000`;
  const pointOf = ({ labels, value }: MetricSample) => ({
    attributes: attributesOf(labels),
    timeUnixNano,
    asDouble: value,
  });
  const metrics = families.map(({ name, type, help, samples }) => ({
    ...{ name, description: help },
    ...(type === 'counter'
      ? {
          sum: {
            dataPoints: samples.map(pointOf),
            aggregationTemporality: cumulative,
            isMonotonic: true,
          },
        }
      : { gauge: { dataPoints: samples.map(pointOf) } }),
  }));
  return {
    resourceMetrics: [
      {
        resource: { attributes: attributesOf(resource) },
        scopeMetrics: [{ scope: { name: 'cachectl', version }, metrics }],
      },
    ],
  };
}

/** An empty label is none. */
const attributesOf = (labels: Resource) =>
  Object.entries(labels).flatMap(([key, value]) =>
    value === '' ? [] : { key, value: { stringValue: printable(value) } },
  );
