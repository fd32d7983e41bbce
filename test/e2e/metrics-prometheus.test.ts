import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { catalog } from '../../src/commands/metrics/catalog.ts';
import { installed } from '../commands/metrics-text.ts';
import { temporaryFolder } from '../server/own.ts';
import { until } from '../server/until.ts';
import { binary } from '../server/binary.ts';

/** The files that are shipped for Prometheus and Grafana. Programs of Debian's package `prometheus` try them, where it is installed. */
const monitoring = fileURLToPath(new URL('../../examples/monitoring', import.meta.url));
const board = JSON.parse(readFileSync(join(monitoring, 'grafana-dashboard.json'), 'utf8')) as {
  panels: { title: string; targets: { expr: string }[] }[];
};
const run = promisify(execFile);

test('the board and the rules ask for metrics that there are', () => {
  const texts = readdirSync(monitoring).map((name) => readFileSync(join(monitoring, name), 'utf8'));
  const asked = texts.flatMap((text) => [...text.matchAll(/\bcachectl_(\w+)/g)].map(([, name = '']) => name));
  expect(asked.length).toBeGreaterThan(50);
  expect([...new Set(asked)].filter((name) => !Object.hasOwn(catalog, name))).toEqual([]);
});

describe.skipIf(!installed('promtool'))('promtool (skipped where it is not installed)', () => {
  test('tries the rules', async () => {
    const { stdout } = await run('promtool', ['test', 'rules', join(monitoring, 'alerts.test.yml')]);
    expect(stdout).toContain('SUCCESS');
  });

  test('reads each expression of the board', async () => {
    const rules = board.panels.flatMap(({ targets }, panel) =>
      targets.map(({ expr }, index) => ({
        record: `panel_${panel}_${index}`,
        expr: expr.replaceAll('$__rate_interval', '1m'),
      })),
    );
    const file = join(temporaryFolder(), 'board.yml');
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'board', rules }] }));
    expect((await run('promtool', ['check', 'rules', file])).stdout).toContain(`${rules.length} rules found`);
  });
});

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((closed) => server.close(closed));
  return port;
}

/** The shipped rules, for a test of seconds. */
function quickRules(folder: string): void {
  cpSync(monitoring, folder, { recursive: true });
  const file = join(folder, 'alerts.yml');
  const quick = readFileSync(file, 'utf8')
    .replaceAll(/\[\d+m\]/g, '[6s]')
    .replaceAll(/for: \d+m/g, 'for: 0s');
  writeFileSync(file, quick);
}

test.skipIf(!installed('prometheus'))(
  'a real Prometheus fires the alert for a namespace whose TTL is too short (skipped where it is not installed)',
  async () => {
    const folder = temporaryFolder();
    quickRules(folder);
    const port = await freePort();
    const metrics = ['metrics', '--listen', '127.0.0.1:0', '--hits'];
    const sandbox = spawn(
      process.execPath,
      [binary, 'sandbox', '--system', 'honzik', '--keys', '2000', '--fault', 'short-ttl', '--', ...metrics],
      { env: { ...process.env, XDG_STATE_HOME: folder }, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let address = '';
    sandbox.stdout.on('data', (text: Buffer) => (address += text.toString()));
    try {
      await until('cachectl listens', () => address.endsWith('/metrics\n'), 120_000);
      const target = new URL(address.trim()).host;
      const config = {
        global: { scrape_interval: '1s', evaluation_interval: '1s' },
        rule_files: ['alerts.yml'],
        scrape_configs: [{ job_name: 'cache', static_configs: [{ targets: [target] }] }],
      };
      writeFileSync(join(folder, 'quick.yml'), JSON.stringify(config));
      const prometheus = spawn(
        'prometheus',
        [
          ...['--config.file=quick.yml', `--web.listen-address=127.0.0.1:${port}`],
          ...['--storage.tsdb.path=data', '--log.level=error'],
        ],
        { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] },
      );
      try {
        await until(
          'the alert fires',
          async () => (await firing(port)).includes('CacheMissesByOneCause profile expired'),
          120_000,
        );
        expect(await firing(port)).not.toContain('CacheDown');
      } finally {
        const closed = once(prometheus, 'close');
        prometheus.kill('SIGTERM');
        await closed;
      }
    } finally {
      const closed = once(sandbox, 'close');
      sandbox.kill('SIGINT');
      await closed;
    }
  },
  300_000,
);

/** The alerts that fire, with their namespace and cause. */
async function firing(port: number): Promise<string> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/alerts`);
    const { data } = (await answer.json()) as {
      data: { alerts: { state: string; labels: Record<string, string> }[] };
    };
    const names = data.alerts
      .filter(({ state }) => state === 'firing')
      .map(({ labels }) => `${labels['alertname']} ${labels['namespace']} ${labels['cause']}`);
    return names.join('\n');
  } catch {
    // It is not up yet.
    return '';
  }
}
