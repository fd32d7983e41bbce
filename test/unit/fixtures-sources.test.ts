import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { encodeFrame, encodeHeader } from '../../src/records/archive/format.ts';
import { InputError } from '../../src/support/failure.ts';
import { expandFileNames } from '../../src/records/fixtures/file-names.ts';
import { FileFault, type RecordPiece } from '../../src/records/fixtures/record.ts';
import { readRecordTexts } from '../../src/records/fixtures/read.ts';
import { openFile } from '../../src/records/fixtures/source.ts';
import { asBytes } from '../../src/support/bytes.ts';
import { temporaryFolder } from '../server/own.ts';

const folder = temporaryFolder();

let files = 0;

async function piecesOf(content: Buffer | string, name = 'x'): Promise<RecordPiece[]> {
  const path = `${files++}${name}`;
  writeFileSync(join(folder, path), content);
  const source = await openFile(path, folder, new AbortController().signal);
  const pieces: RecordPiece[] = [];
  for await (const group of readRecordTexts(source)) pieces.push(...group);
  await source.close();
  return pieces;
}

/** What does not repeat itself, so that packing leaves several blocks. */
const lines = Array.from(
  { length: 20_000 },
  (_, id) => `{"key":"k:${id}","value":"${((id * 2654435761) % 4294967296).toString(36)}"}`,
);
const text = `${lines.join('\n')}\n`;

// What `zstd` makes of `{"key":"a","value":"1"}`, in a frame without and one with a checksum.
const frames = ['28b52ffd2017b900007b226b6579223a2261222c2276616c7565223a2231227d'];

describe('a packed file', () => {
  test('of gzip gives what was packed, also from several members', async () => {
    const half = text.length >> 1;
    const members = Buffer.concat([gzipSync(text.slice(0, half)), gzipSync(text.slice(half))]);
    for (const content of [gzipSync(text), members]) {
      expect((await piecesOf(content)).map((piece) => piece.text)).toEqual(lines);
    }
  });

  test('of zstd gives what was packed, also behind a frame that is to be skipped and in several frames', async () => {
    const frame = Buffer.from(frames[0] ?? '', 'hex');
    const skipped = Buffer.from('502a4d1804000000deadbeef', 'hex');
    const newline = Buffer.from('28b52ffd20010900000a', 'hex');
    const content = Buffer.concat([skipped, frame, newline, frame]);
    expect((await piecesOf(content)).map((piece) => piece.text)).toEqual([
      '{"key":"a","value":"1"}',
      '{"key":"a","value":"1"}',
    ]);
  });

  test('is told by its content, whatever its name', async () => {
    expect(await piecesOf(gzipSync('[{"key":"a","value":"1"}]'), '.json')).toHaveLength(1);
    expect(await piecesOf('[{"key":"a","value":"1"}]', '.json.gz')).toHaveLength(1);
  });

  test('that is cut off or damaged is a fault', async () => {
    const packed = gzipSync(text);
    const damaged = Buffer.from(packed);
    damaged.fill(0x55, packed.length >> 1, (packed.length >> 1) + 2000);
    const cut = await piecesOf(packed.subarray(0, packed.length - 2000)).catch((error: unknown) => error);
    expect(cut).toBeInstanceOf(FileFault);
    expect(cut).toMatchObject({ message: 'the gzip file is cut off' });
    expect((cut as FileFault).line).toBeGreaterThan(1000);
    await expect(piecesOf(damaged)).rejects.toThrow('the gzip file is damaged');
    await expect(piecesOf(Buffer.from('28b52ffd2017b900007b22', 'hex'))).rejects.toThrow(
      'the zstd file is cut off',
    );
    await expect(piecesOf(Buffer.from('28b52ffd201707000000000000000000000000', 'hex'))).rejects.toThrow(
      'the zstd file is damaged',
    );
  });

  test('of zlib gives what was packed', async () => {
    expect((await piecesOf(deflateSync(text))).map((piece) => piece.text)).toEqual(lines);
  });

  test('that claims a window of gigabytes is refused before room is made for it', async () => {
    const greedy = Buffer.from('28b52ffd00a0010000000000000000000000000000', 'hex');
    await expect(piecesOf(greedy)).rejects.toThrow(
      'the zstd file wants a window of more than 128 MiB to be unpacked',
    );
  });

  test('of another kind is named', async () => {
    await expect(piecesOf(Buffer.from('04224d1864a70000', 'hex'))).rejects.toThrow(
      'the file is packed with lz4, which is not read',
    );
  });
});

describe('an archive', () => {
  const header = encodeHeader({
    format: 'cachectl-archive',
    version: 1,
    kind: 'journal',
    createdAt: '2026-01-01T00:00:00Z',
    ...{ server: 'redis://localhost', database: 0, profile: null, action: 'test', patterns: [] },
    withValues: true,
  });
  const value = (key: string, expiresAtMillis: number | null) =>
    encodeFrame({
      kind: 'value',
      key: asBytes(key),
      payload: Buffer.from([0, 255, 10]),
      expiresAtMillis,
    });

  test('gives its values, and passes over what else it holds', async () => {
    const content = Buffer.concat([
      header,
      value('a', null),
      encodeFrame({ kind: 'removed', key: asBytes('a') }),
      encodeFrame({ kind: 'ttl', key: asBytes('t'), expiresAtMillis: 5 }),
      value('b\xff', 1_800_000_000_000),
      encodeFrame({ kind: 'end', summary: {} }),
    ]);
    for (const bytes of [content, gzipSync(content)]) {
      expect(await piecesOf(bytes)).toEqual([
        { text: '', line: 1, dumped: { key: 'a', payload: '\x00\xff\n', expiresAtMillis: null } },
        {
          text: '',
          line: 2,
          dumped: { key: 'b\xff', payload: '\x00\xff\n', expiresAtMillis: 1_800_000_000_000 },
        },
      ]);
    }
  });

  test('that is cut off, damaged, or of a later version is a fault', async () => {
    const content = Buffer.concat([header, value('a', null), value('b', null)]);
    await expect(piecesOf(content.subarray(0, -1))).rejects.toMatchObject({
      name: 'FileFault',
      line: 2,
      message: 'the archive ends without its closing record',
    });
    await expect(piecesOf(content)).rejects.toThrow('without its closing record');
    await expect(piecesOf(Buffer.concat([header, Buffer.alloc(40)]))).rejects.toThrow('it is damaged');
    const later = Buffer.from(header.toString().replace('"version":1', '"version":3'));
    await expect(piecesOf(later)).rejects.toThrow('this program reads versions 1 and 2');
  });
});

describe('a pattern for files', () => {
  const place = join(folder, 'globs');
  for (const name of [
    'a.json',
    'b.json',
    'b1.json',
    '.hidden.json',
    'x[1].json',
    'c.txt',
    'sub/d.json',
    'sub/e.json',
  ]) {
    mkdirSync(join(place, 'sub', 'empty.json'), { recursive: true });
    writeFileSync(join(place, name), '');
  }

  test.each([
    [['*.json'], ['a.json', 'b.json', 'b1.json', 'x[1].json']],
    [['?.json'], ['a.json', 'b.json']],
    [['[!a].json'], ['b.json']],
    [['[^a].json'], ['b.json']],
    [['[a-b]*.json'], ['a.json', 'b.json', 'b1.json']],
    [['.*.json'], ['.hidden.json']],
    [['sub/*.json'], ['sub/d.json', 'sub/e.json']],
    [['s*/[d]*'], ['sub/d.json']],
    [['./*.txt'], ['./c.txt']],
    [['x[1].json'], ['x[1].json']],
    [['x\\[*'], ['x[1].json']],
    [
      ['-', 'missing.json', 'c*'],
      ['-', 'missing.json', 'c.txt'],
    ],
  ])('%j names %j', async (names, found) => {
    expect(await expandFileNames(names, place)).toEqual(found);
  });

  test('finds what the shell finds', async () => {
    for (const pattern of ['*', '*/*', '[a-c]*', '?1*', '[]x]*', 'sub/[!d]*.json']) {
      const shell = execFileSync(
        '/bin/sh',
        ['-c', `for f in ${pattern}; do [ -f "$f" ] && echo "$f"; done; true`],
        {
          cwd: place,
          env: { LC_ALL: 'C' },
        },
      );
      expect(await expandFileNames([pattern], place)).toEqual(shell.toString().split('\n').slice(0, -1));
    }
  });

  test('takes an absolute path', async () => {
    expect(await expandFileNames([join(place, 'a*')], '/')).toEqual([join(place, 'a.json')]);
  });

  test('that matches none is named', async () => {
    await expect(expandFileNames(['a.json', '*.csv'], place)).rejects.toThrow('no file matches `*.csv`');
    await expect(expandFileNames(['no/*'], place)).rejects.toBeInstanceOf(InputError);
  });
});
