import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ExportResult } from '../../src/commands/export/result.ts';
import { counted, formatBytes } from '../../src/render/units.ts';
import { cachectl, ours } from './contenders.ts';
import { type EmptyServer, expectKeys, onEmptyServer } from './empty-server.ts';
import { type Measured, measureWithOutput, peakText, say } from './measure.ts';
import { shellWord } from './pipe-peers.ts';
import { programArguments } from './program-arguments.ts';
import { gzipFile, type StringRecord, writeNdjson } from './records.ts';
import { sayTable } from './table.ts';
import { environmentIn, inTemporaryFolder } from './temporary-folder.ts';

/**
 * Peak memory of `warm` and `export` with much more data than they may hold. The server holds it all, and so does the
 * folder for temporary files, up to three times. Usage: npm run bench:memory -- [megabytes]
 */
const {
  numbers: [megabytes = 0],
} = programArguments(2048);
const valueBytes = 1000;
// The key, the TTL and the names of the fields.
const recordBytes = valueBytes + 52;
const records = Math.max(1, Math.round((megabytes * 1e6) / recordBytes));

const rows: string[][] = [];
await inTemporaryFolder(async (folder) => {
  const file = join(folder, 'fixture.ndjson');
  const packed = `${file}.gz`;
  say(`writing ${counted(records, 'record')} to a file …`);
  await writeNdjson(file, largeRecords());
  await gzipFile(file, packed);
  const note = (what: string, source: string, measured: Measured) =>
    rows.push([what, formatBytes(statSync(source).size), measured.seconds.toFixed(1), peakText([measured])]);
  const warm = async ({ url, node }: EmptyServer, from: string, input = '/dev/null') => {
    const { args } = ours(url, `warm ${from}`);
    // The shell becomes the program, and the measured process is ours.
    const line = `exec ${[cachectl, ...args].map(shellWord).join(' ')} <${shellWord(input)}`;
    const measured = await succeed('sh', ['-c', line], folder);
    await expectKeys(node, records, `warm ${from}`);
    return measured;
  };
  await onEmptyServer(async (server) => note('warm FILE.gz', packed, await warm(server, packed)));
  rmSync(packed);
  await onEmptyServer(async (server) => note('warm - <FILE', file, await warm(server, '-', file)));
  await onEmptyServer(async (server) => {
    note('warm FILE', file, await warm(server, file));
    rmSync(file);
    for (const form of ['ndjson', 'archive']) {
      const to = join(folder, `export.${form}`);
      const { command, args } = ours(server.url, `export --to ${to}`);
      const { output, ...measured } = await succeed(command, args, folder);
      const { keys } = JSON.parse(output) as ExportResult;
      if (keys !== records) throw new Error(`export --to ${to} gave ${keys} of ${records} keys`);
      note(`export --to FILE.${form}`, to, measured);
      rmSync(to);
    }
    say(`\n${counted(records, 'string record')}, ${server.product}, Node ${process.version}`);
  });
});
sayTable(['', 'file', 'seconds', 'peak MB'], rows);

async function succeed(command: string, args: readonly string[], folder: string) {
  const measured = await measureWithOutput(command, args, environmentIn(folder));
  if (measured.exitCode !== 0) throw new Error(`${args.join(' ')} ended with ${String(measured.exitCode)}`);
  return measured;
}

/** Values that differ, and that gzip cannot make much smaller. */
function* largeRecords(): Generator<StringRecord> {
  const noise = Buffer.from(Uint32Array.from({ length: 262_144 }, scattered).buffer).toString('base64');
  for (let index = 0; index < records; index++) {
    const start = scattered(0, index) % (noise.length - valueBytes);
    yield { key: `page:${index}:html`, value: noise.slice(start, start + valueBytes), ttl: 86_400 };
  }
}

/** A number of 32 bits that looks random and depends on the index alone. @see https://github.com/skeeto/hash-prospector */
function scattered(_: unknown, index: number): number {
  let bits = Math.imul(index ^ (index >>> 16), 0x7feb352d);
  bits = Math.imul(bits ^ (bits >>> 15), 0x846ca68b);
  return (bits ^ (bits >>> 16)) >>> 0;
}
