import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { InputError } from '../../src/support/failure.ts';
import { FileFault } from '../../src/records/fixtures/record.ts';
import { readRecordTexts } from '../../src/records/fixtures/read.ts';
import { type FixtureSource, openFile, spool } from '../../src/records/fixtures/source.ts';
import { temporaryFolder } from '../server/own.ts';

const folder = temporaryFolder();
const never = new AbortController().signal;

let files = 0;
/** A file with the given content; `name` may end in the extension of its form. */
async function fileOf(content: string | Buffer, name = '.json'): Promise<FixtureSource> {
  const path = join(folder, `${files++}${name}`);
  writeFileSync(path, content);
  return openFile(path, folder, never);
}

async function recordsOf(source: FixtureSource): Promise<[line: number, record: unknown][]> {
  const found: [number, unknown][] = [];
  for await (const group of readRecordTexts(source)) {
    for (const { text, line } of group)
      found.push([line, JSON.parse(Buffer.from(text, 'latin1').toString())]);
  }
  return found;
}

const read = async (content: string | Buffer, name?: string) => recordsOf(await fileOf(content, name));
const a = { key: 'a', value: '1' };
const b = { key: 'b', value: { c: 2 } };

describe('a file', () => {
  test('may be an array of records, on one line or on many', async () => {
    expect(await read(JSON.stringify([a, b]))).toEqual([
      [1, a],
      [1, b],
    ]);
    expect(await read(`\n\n${JSON.stringify([a, b], null, 2)}\n`)).toEqual([
      [4, a],
      [8, b],
    ]);
  });

  test('may have one record per line, with any line ends', async () => {
    const lines = [a, b].map((record) => JSON.stringify(record));
    for (const text of [lines.join('\n'), `${lines.join('\r\n')}\r\n`]) {
      expect(await read(text)).toEqual([
        [1, a],
        [2, b],
      ]);
    }
    expect(await read(`\n  ${lines.join('\n\n')}\n\n`)).toEqual([
      [2, a],
      [4, b],
    ]);
  });

  test('may be one object of keys with their values', async () => {
    const object = { 'user:1': { name: 'Ana' }, value: 'x', 'a "quoted" key': [1] };
    const expected = Object.entries(object).map(([key, value]) => ({ key, value }));
    expect((await read(JSON.stringify(object))).map(([, record]) => record)).toEqual(expected);
    expect(await read(JSON.stringify(object, null, 2))).toEqual([
      [2, expected[0]],
      [5, expected[1]],
      [6, expected[2]],
    ]);
  });

  test('may be one object that is a record itself, which a key and a value tell', async () => {
    expect(await read(JSON.stringify(a))).toEqual([[1, a]]);
    expect(await read(JSON.stringify({ ...b, ttl: 5, type: 'hash' }, null, 2))).toEqual([
      [2, { ...b, ttl: 5, type: 'hash' }],
    ]);
    expect(await read('{"keyBase64": "AA==", "valueBase64": "AA=="}')).toHaveLength(1);
  });

  test('whose object has other names, or no value, holds keys', async () => {
    expect(await read('{"key": "x", "value": "y", "other": "z"}')).toHaveLength(3);
    expect(await read('{"key": "x", "type": "y"}')).toHaveLength(2);
  });

  test('that is named for lines is read by lines, also where its first record is broken', async () => {
    const source = await fileOf('{"key": "a",\n{"key": "b", "value": "1"}\n', '.ndjson');
    const lines: number[] = [];
    for await (const group of readRecordTexts(source)) lines.push(...group.map(({ line }) => line));
    expect(lines).toEqual([1, 2]);
    expect(await read('{"key": "a", "value": "1"}', '.jsonl')).toEqual([[1, a]]);
  });

  test.each(['', '\n', ' \r\n\t', '[]', '[ ]\n', '{}', '\ufeff'])(
    'with nothing in it (%j) has no records',
    async (content) => {
      expect(await read(content)).toEqual([]);
    },
  );

  test('may start with a byte order mark', async () => {
    expect(await read(`\ufeff${JSON.stringify([a])}`)).toEqual([[1, a]]);
    expect(await read(`\ufeff${JSON.stringify(a)}\n${JSON.stringify(b)}`)).toHaveLength(2);
  });

  test('may be larger than what is read at a time, in any form', async () => {
    const records = Array.from({ length: 3000 }, (_, index) => ({
      key: `k${index}`,
      value: 'ř"{['.repeat(100),
    }));
    const forms = [
      JSON.stringify(records),
      records.map((record) => JSON.stringify(record)).join('\n'),
      JSON.stringify(Object.fromEntries(records.map(({ key, value }) => [key, value])), null, 1),
      `${' '.repeat(600_000)}\n${JSON.stringify(records, null, 2)}`,
    ];
    for (const form of forms) expect((await read(form)).map(([, record]) => record)).toEqual(records);
  });

  test('with one object longer than what is read at a time is told from lines', async () => {
    const value = 'x'.repeat(700_000);
    expect((await read(JSON.stringify({ long: value, other: '1' }))).map(([, record]) => record)).toEqual([
      { key: 'long', value },
      { key: 'other', value: '1' },
    ]);
    const lines = [{ key: 'long', value }, a].map((record) => JSON.stringify(record)).join('\n');
    expect((await read(lines)).map(([, record]) => record)).toEqual([{ key: 'long', value }, a]);
  });
});

describe('a file that is something else', () => {
  test.each([
    ['key,value\n', 1, 'neither an array, nor an object, nor a record begins here'],
    ['\n\n"text"', 3, 'neither an array, nor an object, nor a record begins here'],
    ['{\n"a": 1\n}\n{\n"b": 2\n}', 4, 'more follows after the end in line 3'],
    ['[{"key": "a", "value": "1"}', 1, 'the array that begins in line 1 is not closed'],
    [Buffer.from('\ufeff[]', 'utf16le'), 1, 'the file is UTF-16'],
    [Buffer.from([0x1f, 0x8b, 8, 0]), 1, 'the gzip file is cut off'],
    [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 4]), 1, 'the zstd file is cut off'],
  ])('%j names the line', async (content, line, message) => {
    const fault = await read(content).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(FileFault);
    expect(fault).toMatchObject({ line, message });
  });

  test('is refused by its kind', async () => {
    await expect(openFile('missing.json', folder, never)).rejects.toThrow(
      'cannot read `missing.json`: there is no such file',
    );
    await expect(openFile('.', folder, never)).rejects.toThrow('cannot read `.`: it is a folder');
    await expect(openFile('missing.json', folder, never)).rejects.toBeInstanceOf(InputError);
  });

  test('because it changed between two readings is refused', async () => {
    const source = await fileOf(JSON.stringify([a]), '.changing.json');
    await recordsOf(source);
    writeFileSync(source.name, JSON.stringify([a, b]));
    await expect(recordsOf(source)).rejects.toThrow('changed while it was read');
  });
});

describe('a stream', () => {
  test('can be read twice, and leaves no file behind even while it is read', async () => {
    const scratch = mkdtempSync(join(folder, 'scratch-'));
    vi.stubEnv('TMPDIR', scratch);
    onTestFinished(() => void vi.unstubAllEnvs());
    const text = [a, b].map((record) => JSON.stringify(record)).join('\n');
    const source = await spool(
      'stdin',
      Readable.from([Buffer.from(text.slice(0, 10)), text.slice(10)]),
      never,
    );
    onTestFinished(() => source.close());

    expect(readdirSync(scratch)).toEqual([]);
    expect(source.bytes).toBe(text.length);
    expect(await recordsOf(source)).toHaveLength(2);
    expect(await recordsOf(source)).toHaveLength(2);
  });

  test('is no longer waited for once the signal is aborted', async () => {
    const controller = new AbortController();
    const source = spool('stdin', new Readable({ read: () => undefined }), controller.signal);
    controller.abort();
    await expect(source).rejects.toThrow('abort');
  });
});
