import { createReadStream, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExportResult } from '../../src/commands/export/result.ts';
import type { WarmResult } from '../../src/commands/warm/result.ts';
import { bytesOf } from '../../src/support/bytes.ts';
import type { RedisNode } from '../../src/redis/server.ts';
import { counted, formatBytes } from '../../src/render/units.ts';
import { ours, outputOf } from './contenders.ts';
import { expectKeys, onEmptyServer } from './empty-server.ts';
import { type Measured, measure, measureWithOutput } from './measure.ts';
import { type PipePeer, shellWord } from './pipe-peers.ts';
import type { Race, Racer } from './race.ts';
import { everyRecord, gzipFile, type StringRecord, writeNdjson } from './records.ts';
import type { Ground } from './removal-races.ts';
import { environmentIn } from './temporary-folder.ts';

const converter = fileURLToPath(new URL('ndjson-to-resp.mjs', import.meta.url));
const jqProgram =
  '["SET", .key, .value, "EX", (.ttl | tostring)] | ' +
  String.raw`"*\(length)\r\n" + (map("$\(utf8bytelength)\r\n\(.)\r\n") | add)`;

/** Loading all records into an empty server. @param loader the client whose `--pipe` the peers use */
export async function raceForWarming(
  { population, folder }: Pick<Ground, 'population' | 'folder'>,
  loader: Pick<PipePeer, 'call' | 'name'>,
): Promise<Race> {
  const file = join(folder, 'fixture.ndjson');
  const packed = `${file}.gz`;
  await writeNdjson(file, everyRecord(population));
  await gzipFile(file, packed);
  const { keys } = population;
  const [first] = everyRecord(population);
  const convert = `${shellWord(process.execPath)} ${shellWord(converter)}`;
  const piping = (peer: string, pipe: string): Racer => ({
    name: `${peer} | CLI --pipe`,
    peer,
    run: () =>
      onEmptyServer(async ({ node, port }) => {
        const measured = await measure('sh', ['-c', `${pipe} | ${loader.call(port)} --pipe`]);
        await expectRecords(node, keys, first, peer);
        return measured;
      }),
  });
  const warming = (name: string, from: string): Racer => ({
    name,
    run: () =>
      onEmptyServer(async ({ node, url }) => {
        const { command, args } = ours(url, `warm ${from}`);
        const { output, ...measured } = await measureWithOutput(command, args, environmentIn(folder));
        const { written } = JSON.parse(output) as WarmResult;
        if (written !== keys) throw new Error(`${name} says that it wrote ${written} records`);
        await expectRecords(node, keys, first, name);
        return measured;
      }),
  });
  const size = formatBytes(statSync(file).size);
  const jq = outputOf('jq', '--version');
  return {
    title: `${counted(keys, 'string record')} (NDJSON, ${size}) into an empty server: \`warm FILE\` beside a converter and \`${loader.name} --pipe\`${jq === null ? '; jq is not on PATH' : ` (${jq})`}`,
    racers: [
      warming('cachectl warm', file),
      warming('cachectl warm (.gz)', packed),
      piping('node', `${convert} <${shellWord(file)}`),
      piping('gzip | node', `gzip -dc ${shellWord(packed)} | ${convert}`),
      ...(jq === null ? [] : [piping('jq', `jq -j ${shellWord(jqProgram)} ${shellWord(file)}`)]),
    ],
  };
}

/** @throws Error unless all keys are there, and one of them as the record has it */
async function expectRecords(
  node: RedisNode,
  keys: number,
  record: StringRecord | undefined,
  after: string,
): Promise<void> {
  await expectKeys(node, keys, after);
  if (record === undefined) throw new Error('there are no records');
  const [value, ttl] = await node.batch([
    ['GET', bytesOf(record.key)],
    ['TTL', bytesOf(record.key)],
  ]);
  if (value !== bytesOf(record.value) || Number(ttl) <= 0)
    throw new Error(`\`${record.key}\` is not as its record has it after ${after}`);
}

/** Reading all keys with values and TTLs into a file. */
export function raceForExport({ server, population: { keys }, peers, folder }: Ground): Race {
  const into = async (name: string, form: string, work: (file: string) => Promise<Measured>) => {
    const file = join(folder, `export.${form}`);
    try {
      return await work(file);
    } finally {
      rmSync(file, { force: true });
      await expectKeys(server.node, keys, name);
    }
  };
  const exporting = (form: 'ndjson' | 'archive'): Racer => ({
    name: `cachectl export (${form})`,
    run: () =>
      into('cachectl export', form, async (file) => {
        const { command, args } = ours(server.url, `export --to ${file} --form ${form}`);
        const { output, ...measured } = await measureWithOutput(command, args, environmentIn(folder));
        const { keys: exported } = JSON.parse(output) as ExportResult;
        const read = form === 'ndjson' ? await countLines(file) : await countRecords(server.url, file);
        expectCount(`cachectl export (${form})`, [exported, read], keys);
        return measured;
      }),
  });
  return {
    title: `${counted(keys, 'string key')} into a file: \`export --to FILE\` beside \`CLI --scan | awk (GET and PTTL of each) | CLI\``,
    racers: [
      exporting('ndjson'),
      exporting('archive'),
      ...peers.map((peer): Racer => ({
        name: peer.name,
        peer: peer.program,
        run: () =>
          into(peer.name, 'txt', async (file) => {
            const commands = `awk '{print "GET " $0; print "PTTL " $0}'`;
            const pipe = `${peer.scan(server.port, '*')} | ${commands} | ${peer.call(server.port)} >${shellWord(file)}`;
            const measured = await measure('sh', ['-c', pipe]);
            // A line for each value, and one for each TTL.
            expectCount(peer.name, [await countLines(file)], 2 * keys);
            return measured;
          }),
      })),
    ],
  };
}

function expectCount(name: string, counts: readonly number[], expected: number): void {
  const wrong = counts.find((count) => count !== expected);
  if (wrong !== undefined) throw new Error(`${name} gave ${wrong} instead of ${expected}`);
}

/** What `warm` finds in a file that it is shown. */
async function countRecords(url: string, file: string): Promise<number> {
  const { command, args } = ours(url, `warm ${file} --dry-run`);
  const { output } = await measureWithOutput(command, args);
  return (JSON.parse(output) as WarmResult).records;
}

async function countLines(file: string): Promise<number> {
  const newline = 0x0a;
  let lines = 0;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>)
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, at + 1)) lines++;
  return lines;
}
