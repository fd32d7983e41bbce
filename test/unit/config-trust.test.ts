import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { trustedOwners, processFacts } from '../../src/cli/process-facts.ts';
import { findConfigFile, type FoundConfig } from '../../src/config/find.ts';
import { mapAt } from '../named-map.ts';
import { judgeMap, revokeTrust, trustMap } from '../../src/config/trust.ts';
import { temporaryFolder } from '../server/own.ts';

const map = (url: string, namespaces: object = {}) =>
  JSON.stringify({ defaultProfile: 'p', profiles: { p: { url } }, namespaces });

const noted = { now: 0, by: 'config trust' } as const;

function place(text = map('redis://h')) {
  const root = temporaryFolder();
  const folder = join(root, 'repository');
  mkdirSync(folder);
  const file = join(folder, 'cachectl.config.json');
  writeFileSync(file, text, { mode: 0o644 });
  const variables = { HOME: root, XDG_STATE_HOME: join(root, 'state') };
  const stateOf = (at = file, source: FoundConfig['source'] = 'discovered') =>
    judgeMap(mapAt(at), source, variables, trustedOwners({})).state;
  const trust = (at = file) =>
    trustMap(at, mapAt(at).config, { variables, processes: processFacts() }, noted);
  return { root, folder, file, variables, stateOf, trust };
}

describe('a map', () => {
  test('is named, discovered from a folder upwards, or of the user', () => {
    const { root, folder, file, variables } = place();
    mkdirSync(join(folder, 'a/b'), { recursive: true });
    const own = join(root, '.config/cachectl/cachectl.config.json');
    mkdirSync(join(root, '.config/cachectl'), { recursive: true });
    writeFileSync(own, '{}');
    const find = (cwd: string, env: object = {}, option?: string) =>
      findConfigFile(cwd, { ...variables, ...env }, option);

    expect(find(join(folder, 'a/b'))).toEqual({ file, source: 'discovered' });
    expect(find(root)).toEqual({ file: own, source: 'user configuration' });
    expect(find(join(root, '.config/cachectl'))).toEqual({ file: own, source: 'user configuration' });
    expect(find(folder, { CACHECTL_CONFIG: 'x' })).toEqual({
      file: join(folder, 'x'),
      source: 'CACHECTL_CONFIG',
    });
    expect(find(folder, { CACHECTL_CONFIG: 'x' }, 'y')).toEqual({
      file: join(folder, 'y'),
      source: '--config',
    });
    expect(find(folder, { CACHECTL_CONFIG: '' })).toEqual({ file, source: 'discovered' });
  });

  test('that was discovered is trusted once the user says so, and until its profiles change', () => {
    const { file, stateOf, trust } = place();
    expect(stateOf()).toBe('not trusted');
    trust();
    expect(stateOf()).toBe('trusted');
    writeFileSync(file, map('redis://h', { user: { pattern: 'user:<id>' } }));
    expect(stateOf()).toBe('trusted');
    writeFileSync(file, map('redis://evil'));
    expect(stateOf()).toBe('not trusted');
    writeFileSync(file, map('redis://h').replace('"redis://h"', '"redis://h","tls":{"verify":false}'));
    expect(stateOf()).toBe('not trusted');
  });

  test('that is trusted is not in another place, nor through a link', () => {
    const { root, file, stateOf, trust } = place();
    trust();
    const elsewhere = join(root, 'elsewhere');
    mkdirSync(elsewhere);
    symlinkSync(file, join(elsewhere, 'cachectl.config.json'));
    expect(stateOf(join(elsewhere, 'cachectl.config.json'))).toBe('not trusted');
    symlinkSync(join(root, 'repository'), join(root, 'way'));
    expect(stateOf(join(root, 'way/cachectl.config.json'))).toBe('trusted');
  });

  test('is not trusted any more once that is taken back', () => {
    const { file, variables, stateOf, trust } = place();
    trust();
    expect(revokeTrust(file, variables)).toBe(true);
    expect(stateOf()).toBe('not trusted');
    expect(revokeTrust(file, variables)).toBe(false);
  });

  test('is not trusted where nothing can be kept', () => {
    const { file } = place();
    const { config } = mapAt(file);
    expect(judgeMap({ file, config }, 'discovered', {}, null).state).toBe('not trusted');
    expect(() => trustMap(file, config, { variables: {}, processes: processFacts() }, noted)).toThrow(
      /neither XDG_STATE_HOME nor HOME is set/,
    );
    expect(() =>
      trustMap(file, config, { variables: { XDG_STATE_HOME: 'relative' }, processes: processFacts() }, noted),
    ).toThrow(/neither/);
  });

  test.each(['--config', 'CACHECTL_CONFIG', 'user configuration'] as const)(
    'is the word of the user where it comes from %s',
    (source) => {
      const { file, stateOf } = place();
      expect(stateOf(file, source)).toBe('named');
    },
  );

  test.each([0o666, 0o664, 0o646])('that others can write is nobody’s word: mode %o', (mode) => {
    const { file, stateOf, trust } = place();
    trust();
    chmodSync(file, mode);
    for (const source of ['discovered', '--config', 'user configuration'] as const)
      expect(stateOf(file, source)).toBe('writable by others');
  });

  test.runIf(process.geteuid?.() === 0)(
    'of another user is nobody’s word, but for the user behind sudo',
    () => {
      const { file } = place();
      chownSync(file, 4711, 4711);
      const judge = (owners: number[] | null) => judgeMap(mapAt(file), '--config', {}, owners).state;
      expect(judge(trustedOwners({}))).toBe('writable by others');
      expect(judge(trustedOwners({ SUDO_UID: '4711' }))).toBe('named');
    },
  );
});
