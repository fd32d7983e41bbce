import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checks as allChecks } from '../../src/health/report.ts';
import { cli } from '../run-cli.ts';
import { testUrl } from '../server/redis.ts';
import { parseXml } from '../xml.ts';
import { unreachable } from './check-rows.ts';
import { emptyServer, startRedis, temporaryFolder } from '../server/own.ts';

describe('reports for CI', () => {
  test('in JUnit form are well-formed, also without a connection', async () => {
    for (const url of [testUrl(), await unreachable()]) {
      const suite = parseXml((await cli(['check', '--output', 'junit'], { url })).stdout).children[0];
      const cases = suite?.children.filter(({ name }) => name === 'testcase') ?? [];

      expect(cases.map(({ attributes }) => attributes['name'])).toEqual(allChecks.map(({ id }) => id));
      expect(suite?.attributes['tests']).toBe(String(allChecks.length));
      expect(suite?.attributes['failures']).toBe(url === testUrl() ? '0' : '1');
    }
  });

  test('go to a file beside the table, in folders that are made for it, with nothing else left there', async () => {
    const cwd = temporaryFolder();
    const result = await cli(['check', '--junit', 'out/reports/check.xml'], {
      url: await unreachable(),
      cwd,
    });

    expect(result.exitCode).toBe(3);
    expect(result.stdout).toContain('fail\tconnect');
    expect(readdirSync(join(cwd, 'out/reports'))).toEqual(['check.xml']);
    expect(parseXml(readFileSync(join(cwd, 'out/reports/check.xml'), 'utf8')).attributes['failures']).toBe(
      '1',
    );
  });

  test('take the place of an older file, and keep its mode', async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'check.xml'), 'old', { mode: 0o600 });
    await cli(['check', '--junit', 'check.xml'], { url: testUrl(), cwd });

    expect(readFileSync(join(cwd, 'check.xml'), 'utf8')).toMatch(/^<\?xml/);
    expect(statSync(join(cwd, 'check.xml')).mode & 0o777).toBe(0o600);
  });

  test('that cannot be written exit 2, after the result', async () => {
    const cwd = temporaryFolder();
    mkdirSync(join(cwd, 'check.xml'));
    const result = await cli(['check', '--junit', 'check.xml', '--only', 'connect'], { url: testUrl(), cwd });

    expect(result.exitCode).toBe(2);
    expect(result.stdout).toMatch(/^pass\tconnect/);
    expect(result.stderr).toMatch(/^error: --junit: `check\.xml` was not written: it is a folder\n/);
  });

  test('on GitHub are annotations, a plain line, and a table in the job summary', async () => {
    const cwd = temporaryFolder();
    const summary = join(cwd, 'summary.md');
    writeFileSync(summary, 'before\n');
    const result = await cli(
      ['check', '--output', 'github', '--max-ping', '500ms', '--max-clients', '1', '--min-hit-rate', '1'],
      {
        url: (await startRedis()).url,
        env: { GITHUB_STEP_SUMMARY: summary },
      },
    );
    const proxied = await cli(['check', '--output', 'github'], { url: await unreachable(), env: {} });

    expect(result.stdout).toMatch(/^::notice title=cachectl check hit-rate::no traffic to judge$/m);
    expect(result.stdout).toMatch(/^13 passed, 2 skipped in .*$/m);
    expect(readFileSync(summary, 'utf8')).toMatch(
      /^before\n### cachectl check: pass\n\n\| status \| check \| found \|\n\| --- \| --- \| --- \|\n\| pass \| connect \|/,
    );
    expect(proxied.exitCode).toBe(3);
    expect(proxied.stdout).toMatch(
      /^::error title=cachectl check connect::cannot connect to [^\n]*%0Astart the server/,
    );
  });

  test('warn where the job summary cannot be written, and do not fail for it', async () => {
    const cwd = temporaryFolder();
    const result = await cli(['check', '--output', 'github'], {
      url: testUrl(),
      env: { GITHUB_STEP_SUMMARY: cwd },
    });

    expect(result.exitCode).toBe(0);
    expect(result.stderr).toMatch(/^warning: the job summary `.*` was not written: it is a folder\n/);
  });

  test('are no form of other commands', async () => {
    await emptyServer();
    const result = await cli(['ttl', 'user:1', '--output', 'junit'], { url: testUrl() });

    expect(result).toEqual({
      exitCode: 2,
      stdout: '',
      stderr:
        'error: `--output junit` is for `check` and `doctor`\nhint: `ttl` prints table, tsv, csv, json and ndjson\n',
    });
  });
});
