import { setTimeout as sleep } from 'node:timers/promises';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { windowOf } from '../commands/hits-runs.ts';
import { cli, type CliOptions } from '../run-cli.ts';
import { emptyServer, temporaryFolder } from '../server/own.ts';
import { sendAll, testUrl } from '../server/redis.ts';

/** Debian's package `chromium-headless-shell`, or what the variable names. */
const executable =
  [process.env['CHROMIUM'], '/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find(
    (path) => path !== undefined && existsSync(path),
  ) ?? '';
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const folder = temporaryFolder();
const server = await emptyServer();
const file = join(folder, 'page.html');
const url = `file://${file}`;
const hostile = `<img src=x onerror=alert(1)></script><script>alert(2)</script>`;

/** A window of `hits` or `whatif` in which a namespace is read enough for a rate, from so much later on. */
async function observed(args: readonly string[], options: CliOptions, laterMillis = 0): Promise<void> {
  const begun = await windowOf(server);
  const outcome = cli(args, options);
  await Promise.race([begun(), outcome]);
  await sleep(laterMillis);
  await sendAll(server, [
    ...Array.from({ length: 150 }, (_, index) => ['GET', `user:${index % 60}`]),
    ...Array.from({ length: 150 }, (_, index) => ['GET', `page:${index % 50}:head`]),
    ...Array.from({ length: 40 }, (_, index) => ['SET', `page:${index}:head`, 'x', 'EX', 600]),
  ]);
  expect((await outcome).exitCode).toBe(0);
}

/** Where there is no browser these are left out: a report is made all the same. */
describe.skipIf(executable === '')('the page in a browser', () => {
  let browser: Browser | undefined;
  const opened = () => browser as Browser;
  beforeAll(async () => {
    await sendAll(server, [
      ...Array.from({ length: 40 }, (_, index) => ['SET', `page:${index}:body`, 'x'.repeat(40 * index)]),
      ...Array.from({ length: 40 }, (_, index) => ['SET', `page:${index}:head`, 'x', 'EX', 600]),
      ...Array.from({ length: 30 }, (_, index) => ['SET', `user:${index}`, 'x'.repeat(100)]),
      ...Array.from({ length: 9 }, (_, index) => ['SET', `${hostile}:${index}`, 'x'.repeat(500)]),
    ]);
    const bench = await cli(['bench', '--duration', '200ms', '--output', 'json'], { url: testUrl() });
    expect(bench.exitCode, bench.stderr).toBe(0);
    writeFileSync(join(folder, 'bench.json'), bench.stdout);
    const options = { env: { XDG_STATE_HOME: folder }, url: testUrl(), cwd: folder };
    for (let window = 0; window < 2; window++)
      await observed(['hits', '--for', '200ms', '--record', 'hits.ndjson'], options);
    // What would become of keys with another TTL shows in the second half.
    await observed(['whatif', '--for', '2s', '--record', 'window.curves'], options, 1200);
    const more = ['--history', 'hits.ndjson', '--bench', 'bench.json', '--whatif', 'window.curves'];
    const made = await cli(['report', file, '--hits', '200ms', ...more], options);
    expect(made.exitCode, made.stderr).toBe(0);
    browser = await chromium.launch({ executablePath: executable, args: ['--no-sandbox'] });
  });
  afterAll(() => browser?.close());

  test.each([
    [360, 'light'],
    [360, 'dark'],
    [768, 'dark'],
    [1440, 'light'],
  ] as const)(
    'fits %i pixels, %s, breaks no rule of accessibility, runs and loads nothing else',
    async (width, colorScheme) => {
      const context = await opened().newContext({
        viewport: { width, height: 800 },
        colorScheme,
        bypassCSP: true,
      });
      const page = await context.newPage();
      const seen: string[] = [];
      page.on('request', (request) => seen.push(request.url()));
      page.on('dialog', (dialog) => seen.push(dialog.message()));
      page.on('console', (message) => seen.push(message.text()));
      await page.goto(url);
      expect(seen).toEqual([url]);
      const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
      expect(await page.evaluate(overflow)).toBe(0);
      await page.evaluate(axe);
      const violations = await page.evaluate(
        'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + " " + nodes[0].html))',
      );
      expect(violations).toEqual([]);
      await context.close();
    },
  );

  test('draws hit rates over time, by memory and by TTL, and latencies, whose marks keep their size', async () => {
    for (const width of [360, 1440]) {
      const page = await opened().newPage({ viewport: { width, height: 800 } });
      await page.goto(url);
      const charts = page.locator('.chart');
      expect(await charts.count()).toBe(4);
      expect(await charts.locator('polyline').count()).toBeGreaterThan(4);
      const sizes = await page.evaluate<number[]>(
        "[...document.querySelectorAll('.marks-y span')].map((mark) => parseFloat(getComputedStyle(mark).fontSize))",
      );
      expect(Math.min(...sizes)).toBeGreaterThan(11);
      await page.close();
    }
  });

  test('keeps to its policy, opens a namespace by the keyboard, and sorts a table', async () => {
    const page = await opened().newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(url);
    await page.locator('#part-0 .by-bytes a', { hasText: 'page:' }).first().press('Enter');
    const part = page.locator('.part:target');
    expect(await part.locator('h3').textContent()).toContain('page:');
    expect(await page.locator('#part-0').isVisible()).toBe(false);
    await part.locator('a.out').press('Enter');
    expect(await page.locator('#part-0').isVisible()).toBe(true);
    const table = page.getByRole('region', { name: 'Largest keys' });
    const first = () => table.locator('tbody tr').first().locator('th').textContent();
    const largest = await first();
    await table.getByRole('button', { name: 'Memory' }).click();
    await table.getByRole('button', { name: 'Memory' }).click();
    expect(await first()).not.toBe(largest);
    expect(complaints).toEqual([]);
  });
});
