import { describe, expect, test } from 'vitest';
import { keyAccess, type Right, rightsOf } from '../../src/commands/acl/rights.ts';
import type { AclResult } from '../../src/commands/acl/view.ts';
import { cli, jsonOf } from '../run-cli.ts';
import { startServer } from '../server/own.ts';
import { send } from '../server/redis.ts';
import { type AsUser, runAs, type Scenario, scenarios } from './acl-scenarios.ts';

const { redis, server } = await startServer();
const golden = new URL('acl-rights.txt', import.meta.url).pathname;

/** Rights that were seen to be used, after the command of ours. */
const used = new Set<string>();
const lost: string[] = [];

async function leastFor(words: string): Promise<AclResult & { readonly rules: readonly string[] }> {
  const result = await cli(['acl', ...words.split(' '), '-o', 'json'], { url: redis.url });
  const acl = jsonOf(result) as unknown as AclResult;
  return { ...acl, rules: acl.line.split(' ').slice(3) };
}

/**
 * Rights that are taken away together: each one that is required, and those of the same use. One whose command was not called
 * is not missed.
 */
function groupsOf(command: string, rights: AclResult['rights'], { called }: AsUser): string[][] {
  const groups = new Map<string, string[]>();
  for (const { right, loses } of rights)
    if (
      called.has(right.slice(1)) &&
      !used.has(`${command} ${right}`) &&
      !(right === '+client|setname' && used.has(`stats ${right}`))
    )
      groups.set(loses ?? right, [...(groups.get(loses ?? right) ?? []), right]);
  return [...groups.values()];
}

/** The names of all fields that have a value somewhere; names that are data are left out. */
function fieldsOf(value: unknown, path = '', found = new Set<string>()): Set<string> {
  if (Array.isArray(value)) for (const each of value) fieldsOf(each, path, found);
  else if (typeof value === 'object' && value !== null) {
    for (const [name, each] of Object.entries(value))
      if (!/^(types|encodings|evidence|map|serverCost|warnings|comparison)/.test(name))
        fieldsOf(each, path === '' ? name : `${path}.${name}`, found);
    if (path !== '') found.add(path);
  } else if (value !== null) found.add(path);
  return found;
}

const fieldsIn = ({ stdout }: AsUser) => fieldsOf(stdout.startsWith('{') ? JSON.parse(stdout) : null);

describe('a user with the rights of `acl`', () => {
  test.each(scenarios)('runs `$line`, and one right less is missed', async (scenario: Scenario) => {
    const { acl, line, oneByOne } = scenario;
    const { rules, rights } = await leastFor(acl);
    const run = (less: readonly string[] = []) =>
      runAs(
        server,
        redis.url,
        rules.filter((rule) => !less.includes(rule)),
        scenario,
      );
    const all = await run();
    expect(all, all.stderr).toMatchObject({ exitCode: 0, refused: [] });
    const [command = ''] = acl.split(' ');
    const groups = oneByOne === false ? [] : groupsOf(command, rights, all);
    for (const group of groups) {
      const less = await run(group);
      const missed = group.filter((right) => less.refused.includes(`command ${right.slice(1)}`));
      if (missed.length === 0) continue;
      // What was not asked for because of the others.
      for (const right of group) if (!missed.includes(right)) groups.push([right]);
      const loses = rights.find(({ right }) => right === missed[0])?.loses ?? null;
      expect(less.exitCode > 0, `${line} without ${missed.join(' ')}: ${less.stderr}`).toBe(loses === null);
      for (const right of missed) used.add(`${command} ${right}`);
      if (loses === null) continue;
      const kept = fieldsIn(less);
      const gone = [...fieldsIn(all)].filter((field) => !kept.has(field) && !isVolatile.test(field));
      const outer = gone.filter((field) => !gone.some((other) => field.startsWith(`${other}.`)));
      lost.push(`${command} ${missed.join(' ')}: ${loses}\n  ${outer.join(', ') || '(no field)'}\n`);
    }
  });

  test('has no right that nothing uses', () => {
    const unused = Object.entries(rightsOf).flatMap(([command, rights]) =>
      rights.map((right) => `${command} +${right.command}`).filter((each) => !used.has(each)),
    );
    expect([...new Set(unused)].filter((each) => !unseen.some((reason) => reason.test(each)))).toEqual([]);
  });

  test('loses nothing else without one, as the golden has it', async () => {
    if (redis.version.startsWith('7.0.')) await expect(lost.join('')).toMatchFileSnapshot(golden);
  });
});

/** What a doctor finds of this server differs from run to run. */
const isVolatile = /^(ownLookups|clientUtilization|findings\.subject)/;

/** Rights that these runs do not show. */
const unseen: readonly RegExp[] = [
  // The same in each command.
  /client\|setname$/,
  // Commands of later versions.
  /client\|no-touch|hpexpire/,
  // Tried with `hits`.
  /^(stats|watch|metrics|doctor|report|check) \+(ttl|subscribe|psubscribe|monitor|config\|get|config\|set|command\|info|client\|list|multi|exec)$/,
  /^whatif \+psubscribe$/,
  // Asked about users that other clients are logged in as.
  /^(doctor|report|check) \+acl\|dryrun$/,
  // Tried with `doctor`.
  /^check \+object\|freq$/,
  // After evictions, and of keys that are read meanwhile; for records that come near `maxmemory`.
  /^(hits|whatif) \+memory\|usage$/,
  // Where there are replicas: wait-replicas.test.ts.
  / \+wait$/,
  // Members of an index whose keys are gone, where nothing is kept for `undo`.
  /^apply \+[sz]rem$/,
  // Long values in pieces: tried with `diff`.
  /^(export|warm|diff) \+(getrange|hscan|sscan|zscan|[a-z]+len|scard|zcard|hmget|sismember|zscore)$/,
];

test('the table knows what each command does to keys', async () => {
  const names = [...keyAccess.keys()].filter((name) => !name.startsWith('hpexpire'));
  for (const name of names) {
    const [info] = (await send(server, 'COMMAND', 'INFO', name)) as unknown[][];
    const flags = (info?.[8] as unknown[][]).flatMap((spec) => spec[spec.indexOf('flags') + 1] as string[]);
    const writes = flags.some((flag) => /insert|delete|update/i.test(flag));
    const access = `${flags.some((flag) => /access/i.test(flag)) ? 'R' : ''}${writes ? 'W' : ''}`;
    // Without GET it reads nothing.
    expect(`${name} ${access}`).toBe(name === 'set' ? 'set RW' : `${name} ${keyAccess.get(name) ?? ''}`);
  }
  const named = Object.values(rightsOf).flatMap((rights: readonly Right[]) =>
    rights.map(({ command }) => command),
  );
  const known = new Set(
    ((await send(server, 'COMMAND', 'LIST')) as string[]).map((name) => name.toLowerCase()),
  );
  expect(
    [...new Set(named)].filter(
      (name) => !known.has(name.split('|')[0] ?? '') && !name.startsWith('hpexpire'),
    ),
  ).toEqual([]);
});
