import { describe, expect, test } from 'vitest';
import { jsonOf } from '../run-cli.ts';
import { warmSetup } from './warm-setup.ts';

const { fixture, warm } = warmSetup();

describe('the result for people', () => {
  test('names what was written, by namespace, and how fast', async () => {
    const lines = Array.from({ length: 2000 }, (_, id) => `{"key":"user:${id}","value":"v","ttl":60}`);
    const result = await warm([fixture('many.ndjson', lines.join('\n')), '--no-color'], { terminal: true });
    expect(result.stderr).toBe('');
    expect(result.stdout).toMatch(/NAMESPACE +RECORDS +VALUES +SHORTEST TTL +LONGEST TTL +NO TTL +TTL FROM/);
    expect(result.stdout).toMatch(/user:<id> +2,000 +2\.0 kB +1m +1m +0 +record/);
    expect(result.stdout).toMatch(/✓ wrote 2,000 records with 2\.0 kB of values in .*, [\d,]+\/s/);
  });

  test('counts the records without a TTL beside the shortest and the longest TTL', async () => {
    const file = fixture('some.json', [
      { key: 'user:1', value: 'v', ttl: '1h' },
      { key: 'user:2', value: 'v', ttl: null },
    ]);
    for (const args of [[file, '--dry-run'], [file]]) {
      const { stdout } = await warm([...args, '--no-color'], { terminal: true });
      expect(stdout).toMatch(/user:<id> +2 +2 B +1h +1h +1 +record/);
      expect(stdout).toContain('1 of 2 records without a TTL\n');
    }
  });

  test('is one line per namespace in a pipe', async () => {
    const result = await warm([fixture('a.json', [{ key: 'a', value: 'xyz', ttl: 60 }])]);
    expect(result).toEqual({ exitCode: 0, stdout: 'a\t1\t3\t60\t60\t0\trecord\n', stderr: '' });
  });

  test('does not grow without end where every key is a namespace of its own', async () => {
    const letters = Array.from('abcdefghijklmnopqrstuvwxyz');
    const words = letters.flatMap((first) => letters.map((second) => [`${first}${second}:x`, 'x']));
    const file = fixture('words.json', Object.fromEntries(words));
    const result = await warm([file, '--ttl', '60s', '-o', 'json']);
    const rows = jsonOf(result)['namespaces'] as { namespace: string; records: number }[];
    expect(rows).toHaveLength(40);
    expect(rows.at(-1)).toMatchObject({ namespace: '(other)', records: 637, minTtlSeconds: 60 });
  });

  test('without a map infers namespaces from all keys together, as inspect does', async () => {
    const keys = Array.from({ length: 60 }, (_, id) => [`page:/products/${id}`, 'x']);
    const result = await warm([fixture('pages.json', Object.fromEntries(keys)), '--dry-run', '-o', 'json']);
    expect(jsonOf(result)['namespaces']).toMatchObject([{ namespace: 'page:/products/<id>', records: 60 }]);
  });

  test('says that there was nothing to do, which is no failure', async () => {
    const result = await warm([fixture('empty.json', ''), fixture('none.json', '[]')], { terminal: true });
    expect(result).toMatchObject({
      exitCode: 0,
      stderr: 'warning: no records in `empty.json`, `none.json`\n',
    });
    expect(result.stdout).toContain('nothing to write: there are no records');
  });
});
