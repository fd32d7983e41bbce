import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import { cli } from '../run-cli.ts';
import { atEnd, startServer, temporaryFolder } from '../server/own.ts';
import { sendAll } from '../server/redis.ts';
import { until } from '../server/until.ts';

const { redis, server } = await startServer();
const token = 'heron-4711';
const env = {
  OTEL_EXPORTER_OTLP_HEADERS: `api-key=${token},x-team=cache%20team`,
  XDG_STATE_HOME: temporaryFolder(),
};

interface Push {
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: {
    readonly resourceMetrics: readonly {
      readonly resource: { readonly attributes: readonly Attribute[] };
      readonly scopeMetrics: readonly { readonly metrics: readonly Metric[] }[];
    }[];
  };
}
interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue: string };
}
interface Metric {
  readonly name: string;
  readonly sum?: object;
  readonly gauge?: {
    readonly dataPoints: readonly { readonly attributes: Attribute[]; readonly asDouble: number }[];
  };
}

/** A collector that answers with this. */
async function collector(status = 200, answer = '{"partialSuccess":{}}') {
  const pushes: Push[] = [];
  const http = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Push['body'];
      pushes.push({ path: request.url ?? '', headers: request.headers, body });
      response.writeHead(status, { 'content-type': 'application/json' }).end(answer);
    });
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  atEnd(() => http.close());
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, pushes };
}

const metricsIn = ({ body }: Push) => body.resourceMetrics[0]?.scopeMetrics[0]?.metrics ?? [];

beforeAll(() =>
  sendAll(
    server,
    Array.from({ length: 10 }, (_, index) => ['SET', `page:${index}`, 'x', 'EX', 500]),
  ),
);

describe('metrics --otlp', () => {
  test('pushes once what it would print, with the headers of the environment and nothing of them in its outputs', async () => {
    const { url, pushes } = await collector();
    const { exitCode, stdout, stderr } = await cli(['metrics', '--otlp', url], { url: redis.url, env });
    expect([exitCode, stdout, stderr]).toEqual([0, '', '']);
    expect(pushes).toHaveLength(1);
    const [push] = pushes as [Push];
    expect(push.path).toBe('/v1/metrics');
    expect(push.headers).toMatchObject({
      ...{ 'api-key': token, 'x-team': 'cache team', 'content-type': 'application/json' },
    });
    const metrics = metricsIn(push);
    expect(metrics.find(({ name }) => name === 'cachectl_hits_total')?.sum).toMatchObject({
      ...{ isMonotonic: true, aggregationTemporality: 2 },
      dataPoints: [{ timeUnixNano: expect.stringMatching(/^\d{19}$/) as string }],
    });
    const keys = metrics.find(({ name }) => name === 'cachectl_namespace_keys')?.gauge?.dataPoints ?? [];
    expect(keys).toMatchObject([
      { asDouble: 10, attributes: [{ key: 'namespace', value: { stringValue: 'page:<id>' } }] },
    ]);
    expect(push.body.resourceMetrics[0]?.resource.attributes).toContainEqual({
      key: 'service.name',
      value: { stringValue: 'cachectl' },
    });
    const printed = await cli(['metrics', '-o', 'json'], { url: redis.url, env });
    const { metrics: families } = JSON.parse(printed.stdout) as { metrics: { name: string }[] };
    expect(metrics.map(({ name }) => name)).toEqual(families.map(({ name }) => name));
  });

  test('pushes again and again until it is interrupted, to a path that was named', async () => {
    const { url, pushes } = await collector();
    const stop = new AbortController();
    const args = [
      'metrics',
      '--otlp',
      `${url}/in/metrics`,
      '--otlp-every',
      '100ms',
      '--no-namespaces',
      '--hits',
    ];
    const run = cli(args, { url: redis.url, env, signal: stop.signal });
    await until('three pushes', () => pushes.length >= 3, 20_000);
    stop.abort('SIGINT');
    expect(await run).toMatchObject({ exitCode: 130, stderr: '' });
    expect(pushes[0]?.path).toBe('/in/metrics');
    expect(metricsIn(pushes.at(-1) as Push).map(({ name }) => name)).toContain('cachectl_traffic_observed');
  });

  test.each([
    [401, '{"message":"no such key"}', /refused the metrics: 401 \{"message":"no such key"\}/],
    [200, '{"partialSuccess":{"rejectedDataPoints":"7"}}', /refused some of the metrics: /],
  ])('exits with 1 where the collector answers %i', async (status, answer, said) => {
    const { url } = await collector(status, answer);
    const { exitCode, stderr } = await cli(['metrics', '--otlp', url], { url: redis.url, env });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(said);
    expect(stderr).not.toContain(token);
  });

  test('exits with 1 where there is no collector', async () => {
    const { exitCode, stderr } = await cli(['metrics', '--otlp', 'http://127.0.0.1:1'], {
      url: redis.url,
      env,
    });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^warning: 127\.0\.0\.1:1 cannot be reached: /);
  });

  test.each([
    ['http://user:heron-4711@127.0.0.1:1', 'a URL with a password'],
    ['redis://127.0.0.1:1', 'neither http nor https'],
    ['nonsense', 'that is no URL'],
  ])('refuses %s', async (url, said) => {
    const { exitCode, stderr } = await cli(['metrics', '--otlp', url], { url: redis.url, env });
    expect(exitCode).toBe(2);
    expect(stderr).toContain(said);
    expect(stderr).not.toContain(token);
  });

  test('is asked for by --otlp-every', async () => {
    const { exitCode, stderr } = await cli(['metrics', '--otlp-every', '1s'], { url: redis.url });
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('--otlp-every needs a collector')]);
  });
});
