import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { cli, jsonOf } from '../run-cli.ts';
import { testUrl } from '../server/redis.ts';
import { store, withMap } from './invalidate-setup.ts';
import { emptyServer, temporaryFolder } from '../server/own.ts';

const map = {
  namespaces: {
    a: { pattern: 'a:<id>', ttl: '1h' },
    b: { pattern: 'b:<id>', ttl: '1h' },
    c: { pattern: 'c:<id>', ttl: '1h' },
  },
} as const;

beforeEach(async () => {
  await store(await emptyServer(), ['a:1', 'a:2', 'b:1', 'c:1', 'd:1', 'd:2', 'd:3']);
});

test.each([
  ['keys --namespace a --namespace b', 'matched'],
  ['keys --namespace a --namespace a --namespace b', 'matched'],
  ['inspect --namespace a --namespace b', 'keys'],
  ['export --to FILE --namespace a --namespace b', 'keys'],
  ['diff FILE --pattern a:* --pattern b:*', 'compared'],
  ['diff FILE --namespace a --namespace b', 'compared'],
  ['prune --set-ttl --dry-run --namespace a --namespace b', 'matched'],
  ['invalidate --dry-run --namespace a --namespace b', 'matched'],
  ['invalidate --dry-run --pattern a:* --pattern b:1 --pattern a:1', 'matched'],
])('an option that selects keys may be given more than once: %s', async (line, count) => {
  const file = join(temporaryFolder(), 'records.ndjson');
  if (line.startsWith('diff'))
    writeFileSync(
      file,
      ['a:1', 'a:2', 'b:1', 'c:1'].map((key) => `{"key":"${key}","value":"value"}\n`).join(''),
    );
  const args = line.replace('FILE', file).split(' ');
  const result = await cli([...args, '-o', 'json'], { url: testUrl(), env: withMap(map) });
  expect(jsonOf(result), result.stderr).toMatchObject({ [count]: 3 });
});

test('each pattern of several must regard names', async () => {
  const result = await cli(['invalidate', '--pattern', 'a:*', '--pattern', '*', '--yes'], { url: testUrl() });
  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain('pattern `*` selects without regard to names');
});

test('without a map several inferred namespaces are selected', async () => {
  const args = ['invalidate', '--dry-run', '--namespace', 'a:<id>', '--namespace', 'd:<id>', '-o', 'json'];
  expect(jsonOf(await cli(args, { url: testUrl() }))).toMatchObject({ matched: 5 });
});
