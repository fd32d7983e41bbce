import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf } from '../../src/support/bytes.ts';
import { cli } from '../run-cli.ts';
import { emptyDatabase, send, testUrl } from '../server/redis.ts';
import { jsonNumbers, jsonStructures, jsonTexts } from '../unit/json-texts.ts';
import { countsOf, warmSetup } from './warm-setup.ts';
import { rounds } from '../server/effort.ts';

const { server, folder, fixture, warm } = warmSetup();
const exportTo = async (file: string) => {
  const result = await cli(['export', '--to', file, '--force'], { url: testUrl(), cwd: folder() });
  expect(result.exitCode).toBe(0);
  return readFileSync(join(folder(), file), 'utf8').split('\n').sort();
};

describe('the JSON values of a file', () => {
  test('arrive as the bytes of the file without its white space, in every type and form of file', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(jsonStructures, { minLength: 1, maxLength: 5 }),
        fc.array(jsonNumbers, { minLength: 1, maxLength: 4 }),
        fc.constantFrom('ndjson', 'array', 'object'),
        async (values, numbers, form) => {
          await emptyDatabase(server());
          const items = numbers.join(' , ');
          const collections = [
            `{"key":"hash","type":"hash","value":{${numbers.map((each, at) => `"f${at}": ${each}`).join()}}}`,
            `{"key":"list","type":"list","value":[ ${items} ]}`,
            `{"key":"set","type":"set","value":[ ${items} ]}`,
            `{"key":"zset","type":"zset","value":[${numbers.map((each) => `[ ${each} ,1.0]`).join()}]}`,
            `{"key":"stream","type":"stream","value":[{"id":"1-1","fields":{"f" : ${numbers[0] ?? ''} }}]}`,
          ];
          const members = values.map(({ text }, at) => `"k${at}":${text}`);
          const records = values.map(({ text }, at) => `{"key":"k${at}" , "value":${text}}`);
          const lines = [...records, ...collections].map((record) => record.replace(/[\r\n]/g, ' '));
          const text = {
            ndjson: lines.join('\n'),
            array: `[${[...records, ...collections].join(',\n')}]`,
            object: `{"first":"x",${members.join(',')}}`,
          }[form];
          const file = fixture(`values.${form === 'ndjson' ? 'ndjson' : 'json'}`, text);

          const result = await warm([file, '--verify', 'all', '-o', 'json']);

          expect(result.stderr).not.toContain('not as written');
          expect(countsOf(result)).toMatchObject({ mismatched: 0, invalid: 0 });
          for (const [at, { compact }] of values.entries())
            expect(await send(server(), 'GET', `k${at}`)).toBe(bytesOf(compact));
          if (form === 'object') return;
          const unique = [...new Set(numbers)].sort();
          expect(await send(server(), 'HVALS', 'hash')).toEqual(numbers);
          expect(await send(server(), 'LRANGE', 'list', '0', '-1')).toEqual(numbers);
          expect([...((await send(server(), 'SMEMBERS', 'set')) as string[])].sort()).toEqual(unique);
          expect([...((await send(server(), 'ZRANGE', 'zset', '0', '-1')) as string[])].sort()).toEqual(
            unique,
          );
          expect(await send(server(), 'XRANGE', 'stream', '-', '+')).toEqual([['1-1', ['f', numbers[0]]]]);
        },
      ),
      { numRuns: rounds(60) },
    );
  }, 120_000);

  test('come out of an export, and of one more after loading it, as they went in', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(jsonTexts, { minLength: 1, maxLength: 8 }), async (values) => {
        await emptyDatabase(server());
        for (const [at, { text }] of values.entries()) {
          await send(server(), 'SET', `s${at}`, bytesOf(text));
          await send(server(), 'HSET', `h${at}`, 'f', bytesOf(text));
          await send(server(), 'RPUSH', 'list', bytesOf(text));
        }
        const first = await exportTo('first.ndjson');
        await emptyDatabase(server());
        expect((await warm(['first.ndjson', '--verify', 'all'])).exitCode).toBe(0);
        for (const [at, { text }] of values.entries())
          expect(await send(server(), 'GET', `s${at}`)).toBe(bytesOf(text));
        expect(await exportTo('second.ndjson')).toEqual(first);
      }),
      { numRuns: rounds(40) },
    );
  }, 120_000);

  test('may be numbers beyond any double', async () => {
    const file = fixture(
      'odd.ndjson',
      '{"key":"a","value":{"x":1e400}}\n{"key":"b","value":1e400}\n{"key":"c","value":[0.12345678901234567890123, -0, 1.0]}',
    );
    const result = await warm([file, '--verify', 'all', '-o', 'json']);
    expect(countsOf(result)).toMatchObject({ written: 3, verified: 3 });
    expect(await send(server(), 'MGET', 'a', 'b', 'c')).toEqual([
      '{"x":1e400}',
      '1e400',
      '[0.12345678901234567890123,-0,1.0]',
    ]);
  });

  test.each([
    ['lines', (value: string) => `{"key":"deep","value":${value}}\n{"key":"other","value":"x"}\n`],
    ['an array', (value: string) => `[{"key":"deep","value":${value}},{"key":"other","value":"x"}]`],
    ['an object', (value: string) => `{"deep":${value},\n"other":"x"}`],
  ])('may be nested a hundred thousand levels deep, in %s from stdin', async (_, textWith) => {
    const value = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const result = await warm(['-', '--verify', 'all', '-o', 'json'], { input: textWith(value) });
    expect(countsOf(result)).toMatchObject({ written: 2, verified: 2 });
    expect(await send(server(), 'GET', 'deep')).toBe(value);
    for (const output of ['json', 'tsv']) {
      const shown = await cli(['get', 'deep', '--max-bytes', '1MB', '-o', output], { url: testUrl() });
      expect(shown.exitCode).toBe(0);
      expect(shown.stdout.includes(value)).toBe(true);
    }
  });

  test('keep their numbers and escapes in a template, and give <id> where it is escaped', async () => {
    const file = fixture(
      'template.ndjson',
      String.raw`{"key":"u:<id>","value":{"n": 1e400, "é": "\u00e9 \u003cid\u003e", "raw":"\\u003cid\\u003e", "<id>":1.0}}`,
    );
    const args = ['--entity', 'any', '--ids', '7', '--template', file, '-o', 'json'];
    expect(countsOf(await warm(args))).toMatchObject({ written: 1 });
    expect(await send(server(), 'GET', 'u:7')).toBe(
      bytesOf(String.raw`{"n":1e400,"é":"\u00e9 7","raw":"\\u003cid\\u003e","7":1.0}`),
    );
  });
});

test('a score of -0 is kept in a sorted set that is long in the end, and named where it cannot be', async () => {
  const members = (count: number) =>
    Array.from({ length: count }, (_, at) => [`m${at}`, at % 100 === 3 ? '-0' : at]);
  const file = fixture('zeros.json', [
    { key: 'long', type: 'zset', value: members(300) },
    { key: 'short', type: 'zset', value: members(5) },
  ]);

  const result = await warm([file, '--verify', 'all']);

  expect(result).toMatchObject({ exitCode: 0 });
  expect(result.stderr).toMatch(/1 record has a score of -0, .*\n {2}zeros\.json:1 {2}`short`\n/);
  // ZSCAN gives scores as they are; ZRANGE of 7.0 does not.
  const [, flat] = (await send(server(), 'ZSCAN', 'long', '0', 'COUNT', '1000')) as unknown as [
    string,
    string[],
  ];
  for (const member of ['m3', 'm103', 'm203']) expect(flat[flat.indexOf(member) + 1]).toBe('-0');
  expect(flat).toHaveLength(600);
});
