import { readFileSync, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readArchive } from '../../src/records/archive/reader.ts';
import {
  type ArchiveFrame,
  type ArchiveHeader,
  encodeFrame,
  encodeHeader,
  newHeader,
  type WrittenFrame,
} from '../../src/records/archive/format.ts';
import { ArchiveWriter } from '../../src/records/archive/writer.ts';
import { asBytes } from '../../src/support/bytes.ts';
import { temporaryFolder } from '../server/own.ts';

const header: ArchiveHeader = {
  format: 'cachectl-archive',
  version: 1,
  kind: 'journal',
  createdAt: '2026-11-21T10:00:00.000Z',
  server: 'redis://127.0.0.1:6379/0',
  database: 0,
  profile: null,
  action: 'invalidate user 12',
  patterns: ['user:12:*'],
  withValues: true,
};

const key = fc.uint8Array({ maxLength: 40 }).map((bytes) => asBytes(Buffer.from(bytes).toString('latin1')));
const expiresAtMillis = fc.option(fc.integer({ min: 1, max: 4_102_444_800_000 }));
const frame: fc.Arbitrary<WrittenFrame> = fc.oneof(
  fc.record({
    kind: fc.constant('value' as const),
    key,
    payload: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    expiresAtMillis,
  }),
  fc.record({
    kind: fc.constant('ttl' as const),
    key,
    expiresAtMillis,
    shortenedToMillis: fc.integer({ min: 1, max: 4_102_444_800_000 }),
  }),
  fc.record({ kind: fc.constantFrom('removed' as const, 'stays' as const), key }),
  fc.record({ kind: fc.constant('end' as const), summary: fc.dictionary(fc.string(), fc.integer()) }),
);

function inPieces(bytes: Buffer, size: number): AsyncIterable<Buffer> {
  const count = Math.ceil(bytes.length / size);
  return Readable.from(
    Array.from({ length: count }, (_, index) => bytes.subarray(index * size, (index + 1) * size)),
  );
}

async function framesOf(chunks: AsyncIterable<Buffer>): Promise<{ frames: ArchiveFrame[]; cut: boolean }> {
  const reader = await readArchive(chunks);
  const frames: ArchiveFrame[] = [];
  for await (const each of reader.frames) frames.push(each);
  return { frames, cut: reader.isCut() };
}

describe('an archive', () => {
  test('gives back what was put in, whatever the bytes and wherever its chunks are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(frame, { maxLength: 12 }),
        fc.integer({ min: 1, max: 600 }),
        async (frames, size) => {
          const bytes = Buffer.concat([encodeHeader(header), ...frames.map((each) => encodeFrame(each))]);
          expect(await framesOf(inPieces(bytes, size))).toEqual({
            frames,
            cut: frames.at(-1)?.kind !== 'end',
          });
        },
      ),
    );
  });

  test('that a crash has cut gives every frame that was complete, and says so', async () => {
    const frames: WrittenFrame[] = [
      { kind: 'removed', key: asBytes('user:1') },
      { kind: 'value', key: asBytes('user:2'), payload: Buffer.alloc(5000, 7), expiresAtMillis: null },
    ];
    const bytes = Buffer.concat([encodeHeader(header), ...frames.map((each) => encodeFrame(each))]);
    expect(await framesOf(inPieces(bytes.subarray(0, -1), 100))).toEqual({
      frames: frames.slice(0, 1),
      cut: true,
    });
  });

  test('holds a value longer than any chunk', async () => {
    const payload = Buffer.alloc(8 * 1024 * 1024, 1);
    const frame: WrittenFrame = { kind: 'value', key: asBytes('k'), payload, expiresAtMillis: 5 };
    const bytes = Buffer.concat([encodeHeader(header), encodeFrame(frame)]);
    const { frames: found } = await framesOf(inPieces(bytes, 65_536));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ kind: 'value', key: 'k', expiresAtMillis: 5 });
    expect(found[0]?.kind === 'value' && found[0].payload.equals(payload)).toBe(true);
  });

  test.each([
    ['a text', 'hello\n', /first line is no header/],
    ['other JSON', '{"format":"other"}\n', /no archive of cachectl/],
    ['nothing', '', /no archive of cachectl/],
    ['a later version', '{"format":"cachectl-archive","version":9}\n', /version 9/],
    ['a damaged frame', `${encodeHeader(header).toString()}${'x'.repeat(40)}`, /damaged/],
  ])('is not made of %s', async (_, text, message) => {
    await expect(framesOf(inPieces(Buffer.from(text), 7))).rejects.toThrow(message);
  });
});

describe('an archive with checksums', () => {
  const named = (index: number): WrittenFrame => ({
    ...{ kind: 'value', key: asBytes(`user:${index}`), expiresAtMillis: 4_102_444_800_000 },
    payload: Buffer.alloc(20, index),
  });
  const written = [0, 1, 2, 3].map(named);
  const current = newHeader(header);
  const start = encodeHeader(current);
  const encoded = written.map((each) => encodeFrame(each, current.sync));
  const at = (index: number) =>
    start.length + encoded.slice(0, index).reduce((sum, { length }) => sum + length, 0);
  const whole = Buffer.concat([start, ...encoded]);

  test('gives back what was put in, whatever the bytes and wherever its chunks are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(frame, { maxLength: 12 }),
        fc.integer({ min: 1, max: 600 }),
        async (frames, size) => {
          const head = newHeader(header);
          const bytes = Buffer.concat([
            encodeHeader(head),
            ...frames.map((each) => encodeFrame(each, head.sync)),
          ]);
          expect(await framesOf(inPieces(bytes, size))).toEqual({
            frames,
            cut: frames.at(-1)?.kind !== 'end',
          });
        },
      ),
    );
  });

  test('loses one frame to any byte that is changed in it, and no other', async () => {
    for (const index of [1, 3]) {
      for (let offset = 0; offset < (encoded[index]?.length ?? 0); offset++) {
        const bytes = Buffer.from(whole);
        const place = at(index) + offset;
        bytes[place] = (bytes[place] ?? 0) ^ 0x41;
        for (const size of [7, 4096]) {
          const { frames, cut } = await framesOf(inPieces(bytes, size));
          expect({ offset, cut, intact: frames.filter(({ kind }) => kind !== 'damaged') }).toEqual({
            // None of these closes the archive; what is damaged may have done so.
            ...{ offset, cut: index !== 3 },
            intact: written.filter((_, each) => each !== index),
          });
          expect(frames[index]).toMatchObject({ kind: 'damaged', bytes: encoded[index]?.length });
        }
      }
    }
  });

  test('names the key of a frame whose value or expiry is damaged', async () => {
    // Behind the four bytes of the mark: letter, two lengths, then the expiry.
    const damages = [
      (bytes: Buffer) => bytes.writeDoubleLE(Number.NaN, at(1) + 13),
      (bytes: Buffer) => bytes.fill(0xff, at(2) - 5, at(2)),
    ];
    for (const damage of damages) {
      const bytes = Buffer.from(whole);
      damage(bytes);
      const { frames } = await framesOf(inPieces(bytes, 50));
      expect(frames[1]).toMatchObject({ kind: 'damaged', key: 'user:1' });
      expect(frames).toHaveLength(4);
    }
  });

  test('finds the frames behind a stretch that was cut out or filled, however long', async () => {
    const bytes = Buffer.concat([
      whole.subarray(0, at(1) + 9),
      Buffer.alloc(3_000_000, 'z'),
      whole.subarray(at(3)),
    ]);
    const { frames, cut } = await framesOf(inPieces(bytes, 65_536));
    expect(frames).toEqual([written[0], { kind: 'damaged', key: null, bytes: 3_000_009 }, written[3]]);
    expect(cut).toBe(true);
  });

  test('takes no frame of an archive that is a value for one of its own', async () => {
    const other = newHeader(header);
    const nested = Buffer.concat([0, 1, 2].map((index) => encodeFrame(named(index), other.sync)));
    const outer: WrittenFrame = {
      kind: 'value',
      key: asBytes('archive'),
      payload: nested,
      expiresAtMillis: null,
    };
    const bytes = Buffer.concat([start, encodeFrame(outer, current.sync), ...encoded.slice(3)]);
    bytes[start.length + 5] = 0xff;
    const { frames } = await framesOf(inPieces(bytes, 4096));
    expect(frames.map(({ kind }) => kind)).toEqual(['damaged', 'value']);
  });

  test('of version 1 is read on behind a frame whose expiry is no time', async () => {
    const old = Buffer.concat([encodeHeader(header), ...written.map((each) => encodeFrame(each))]);
    const size = encodeFrame(named(1)).length;
    old.writeDoubleLE(Number.NaN, encodeHeader(header).length + size + 9);
    const { frames } = await framesOf(inPieces(old, 50));
    expect(frames.map(({ kind }) => kind)).toEqual(['value', 'damaged', 'value', 'value']);
    expect(frames[1]).toMatchObject({ key: 'user:1' });
  });
});

describe('writing an archive', () => {
  const folder = temporaryFolder();

  test('makes folders, a file for its owner alone, and frames that are there at once', async () => {
    const path = join(folder, 'deep', 'one.journal');
    const writer = await ArchiveWriter.create(path, header);
    await writer.append([{ kind: 'removed', key: asBytes('a') }]);

    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect((await framesOf(inPieces(readFileSync(path), 64))).frames).toEqual([
      { kind: 'removed', key: 'a' },
    ]);

    await writer.finish({ removed: 1 });
    const { frames } = await framesOf(inPieces(readFileSync(path), 64));
    expect(frames.at(-1)).toEqual({ kind: 'end', summary: { removed: 1 } });
    expect(statSync(path).size).toBe(writer.bytes);
  });

  test('never overwrites a file', async () => {
    const path = join(folder, 'two.journal');
    await (await ArchiveWriter.create(path, header)).close();
    await expect(ArchiveWriter.create(path, header)).rejects.toThrow(/EEXIST/);
  });
});
