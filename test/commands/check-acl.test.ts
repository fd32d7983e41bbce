import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { jsonOf, cli } from '../run-cli.ts';
import { urlAs } from './reading.ts';
import { startServer } from '../server/own.ts';

const page = readFileSync(new URL('../../docs/ci.md', import.meta.url), 'utf8');

test('the ACL line of docs/ci.md lets `check` do all of its work, and no rule of it is more than that', async () => {
  const [, rules = ''] = /ACL SETUSER checker on >… (.+)/.exec(page) ?? [];
  expect(rules).toContain('+ping');
  const grants = rules.split(' ').filter((rule) => rule.startsWith('+') || rule.startsWith('~'));
  expect(grants).toHaveLength(6);
  const statusesOf = async (given: string) => {
    const { redis } = await startServer({ config: [`user checker on >secret ${given}`] });
    const result = await cli(['check', '-o', 'json'], { url: urlAs(redis.url, 'checker') });
    const { checks } = jsonOf(result) as { checks: { id: string; status: string; message: string }[] };
    return checks.filter(({ id }) =>
      ['connect', 'login', 'latency', 'permissions', 'round-trip'].includes(id),
    );
  };

  const all = await statusesOf(rules);
  expect(all.map(({ id, status }) => [id, status])).not.toEqual([]);
  expect(all.filter(({ status }) => status !== 'pass')).toEqual([]);

  for (const grant of grants) {
    const without = await statusesOf(rules.replace(` ${grant}`, ''));
    expect(
      without.filter(({ status }) => status !== 'pass'),
      `without ${grant}`,
    ).not.toEqual([]);
  }
});
