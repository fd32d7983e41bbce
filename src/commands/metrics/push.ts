import { setTimeout as sleep } from 'node:timers/promises';
import { otlpRequestOf } from '../../render/otlp.ts';
import { printable } from '../../render/printable.ts';
import { InputError, isAbort } from '../../support/failure.ts';
import type { Context } from '../context.ts';
import type { MetricsTarget } from './target.ts';

/** A collector answers at once, or has trouble. */
const mostWaitMillis = 10_000;
/** As much of an answer as a line has room for. */
const shownCharacters = 200;

/** A collector that takes OTLP over HTTP. */
export interface Collector {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The collector at a URL, with headers from the environment, where a token has its place: command lines can be read by others.
 * @throws InputError
 */
export function collectorAt(text: string, { environment }: Pick<Context, 'environment'>): Collector {
  const refused = (why: string) =>
    new InputError(
      `--otlp: ${why}`,
      'write http://127.0.0.1:4318, and headers in OTEL_EXPORTER_OTLP_HEADERS',
    );
  if (!URL.canParse(text)) throw refused('that is no URL');
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw refused('the URL is neither http nor https');
  if (url.username !== '' || url.password !== '')
    throw refused('a URL with a password would be seen by others');
  if (url.pathname === '/') url.pathname = '/v1/metrics';
  return { url: url.href, headers: headersIn(environment.variables['OTEL_EXPORTER_OTLP_HEADERS'] ?? '') };
}

/** `api-key=secret,x=a%20b`, as OpenTelemetry has it. @throws InputError that repeats nothing of it */
function headersIn(text: string): Record<string, string> {
  const pairs = text.split(',').filter((pair) => pair.trim() !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name, value = ''] = /^\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*(.*?)\s*$/s.exec(pair) ?? [];
      if (name === undefined)
        throw new InputError('OTEL_EXPORTER_OTLP_HEADERS is not NAME=VALUE, with commas');
      return [name, decoded(value)];
    }),
  );
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** Sends what is known now. @returns why it was not taken, or not all of it; null: it was */
export async function push(
  context: Context,
  collector: Collector,
  target: MetricsTarget,
): Promise<string | null> {
  const { environment, now } = context;
  const address = context.settings.find(({ name }) => name === 'url')?.value ?? '';
  const request = otlpRequestOf(
    target.families(),
    { 'service.name': 'cachectl', 'service.version': environment.version, 'server.address': address },
    { version: environment.version, millis: now() },
  );
  const place = new URL(collector.url).host;
  try {
    const response = await fetch(collector.url, {
      method: 'POST',
      headers: { ...collector.headers, 'content-type': 'application/json' },
      body: JSON.stringify(request),
      // Elsewhere the headers would be a stranger's.
      redirect: 'error',
      signal: AbortSignal.any([context.signal, AbortSignal.timeout(mostWaitMillis)]),
    });
    const answer = (await response.text()).slice(0, shownCharacters);
    if (!response.ok) return `${place} refused the metrics: ${response.status} ${printable(answer).trim()}`;
    return /"rejectedDataPoints":\s*"?[1-9]/.test(answer)
      ? `${place} refused some of the metrics: ${printable(answer)}`
      : null;
  } catch (error) {
    if (context.signal.aborted) return null;
    return isAbort(error) || (error as Error).name === 'TimeoutError'
      ? `${place} did not answer`
      : `${place} cannot be reached: ${causeOf(error)}`;
  }
}

/** `fetch` has the system's reason behind its own. */
const causeOf = (error: unknown): string => {
  const { cause, message } = error as Error & { readonly cause?: { readonly code?: string } };
  return cause?.code ?? message;
};

/** Reads and sends again and again until the run is interrupted. What goes wrong is said once, until it goes well. */
export async function pushAll(
  context: Context,
  collector: Collector,
  target: MetricsTarget,
  everySeconds: number,
  end: AbortSignal,
): Promise<void> {
  const signal = AbortSignal.any([context.signal, end]);
  let problem: string | null = null;
  while (!signal.aborted) {
    await target.readInTime();
    const found = await push(context, collector, target);
    if (found !== null && found !== problem) context.warn(`${found}; trying again each time`);
    problem = found;
    await sleep(everySeconds * 1000, undefined, { signal }).catch(() => undefined);
  }
}
