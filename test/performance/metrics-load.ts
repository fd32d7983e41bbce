import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { infoNumber, readInfo } from '../../src/redis/info.ts';
import type { RedisCommand, RedisNode } from '../../src/redis/server.ts';
import { bytesOf } from '../../src/support/bytes.ts';
import { cachectl } from './contenders.ts';
import { onEmptyServer } from './empty-server.ts';
import { median, say } from './measure.ts';
import { programArguments } from './program-arguments.ts';
import { grouped, sayTable } from './table.ts';
import { environmentIn, inTemporaryFolder } from './temporary-folder.ts';

/**
 * What `cachectl metrics --listen` costs while it is scraped, next to a server with the same traffic and no metrics: the
 * CPU of the server, our own, our memory at the start and at the end, and how long a scrape takes.
 * Usage: npm run bench:metrics -- [seconds] [keys] [namespaces] [seconds between scrapes]
 */
const {
  numbers: [seconds = 0, keys = 0, namespaces = 0, scrapeSeconds = 0],
} = programArguments(600, 1_000_000, 200, 15);
const readsPerSecond = 2000;
const batch = 1000;

const keyAt = (index: number) => bytesOf(`ns${index % namespaces}:item:${index}`);

await onEmptyServer(async ({ url, node, product }) =>
  inTemporaryFolder(async (folder) => {
    say(
      `${product}, Node ${process.version}; ${grouped(keys)} keys in ${namespaces} namespaces, ` +
        `${grouped(readsPerSecond)} reads a second, a scrape each ${scrapeSeconds} s for ${seconds} s`,
    );
    await fill(node);
    const file = join(folder, 'cachectl.config.json');
    const map = Array.from({ length: namespaces }, (_, index) => [
      `ns${index}`,
      { pattern: `ns${index}:*`, ttl: '2h', hitRateTarget: 0.5 },
    ]);
    writeFileSync(file, JSON.stringify({ namespaces: Object.fromEntries(map) as object }));
    const rows = [await measureNone(node)];
    for (const options of [[], ['--ttls'], ['--ttls', '--hits']])
      rows.push(await measureServed({ url, node, folder, file, options }));
    sayTable(
      [
        '',
        'server CPU %',
        'our CPU %',
        'our MB, first minute',
        'at the end',
        'scrape ms, median',
        'longest',
        'kB',
      ],
      rows,
    );
  }),
);

async function fill(node: RedisNode): Promise<void> {
  for (let from = 0; from < keys; from += batch) {
    const count = Math.min(batch, keys - from);
    const commands = Array.from({ length: count }, (_, index): RedisCommand => {
      const key = keyAt(from + index);
      const set = ['SET', key, bytesOf('x'.repeat(100))] as const;
      return index % 50 === 0 ? set : [...set, 'EX', 7200];
    });
    await node.batch(commands);
  }
}

/** Reads of which every tenth misses, until it is stopped. */
async function traffic(node: RedisNode, stop: AbortSignal): Promise<void> {
  const startedAt = performance.now();
  for (let done = 0; !stop.aborted; done += 20) {
    const reads = Array.from({ length: 20 }, (_, index): RedisCommand => {
      const random = Math.floor(Math.random() * keys);
      return ['GET', index % 10 === 0 ? bytesOf(`ns${random % namespaces}:none:${random}`) : keyAt(random)];
    });
    await node.batch(reads);
    const due = startedAt + (done / readsPerSecond) * 1000;
    await sleep(Math.max(0, due - performance.now()));
  }
}

async function serverSeconds(node: RedisNode): Promise<number> {
  const info = await readInfo(node);
  return (infoNumber(info, 'used_cpu_sys') ?? 0) + (infoNumber(info, 'used_cpu_user') ?? 0);
}

function percent(cpuSeconds: number): string {
  return ((cpuSeconds / seconds) * 100).toFixed(2);
}

/** @returns CPU seconds of the server meanwhile */
async function underTraffic(node: RedisNode, work: () => Promise<void>): Promise<number> {
  const stop = new AbortController();
  const before = await serverSeconds(node);
  const load = traffic(node, stop.signal);
  try {
    await work();
    return (await serverSeconds(node)) - before;
  } finally {
    stop.abort();
    await load;
  }
}

async function measureNone(node: RedisNode): Promise<string[]> {
  const cpu = await underTraffic(node, () => sleep(seconds * 1000));
  return ['no metrics', percent(cpu), '–', '–', '–', '–', '–', '–'];
}

interface Served {
  readonly url: string;
  readonly node: RedisNode;
  readonly folder: string;
  readonly file: string;
  readonly options: readonly string[];
}

async function measureServed({ url, node, folder, file, options }: Served): Promise<string[]> {
  const listen = [
    '--listen',
    '127.0.0.1:0',
    '--namespaces-every',
    '1m',
    '--max-namespaces',
    String(namespaces),
  ];
  const child = spawn(cachectl, ['metrics', '-u', url, '--config', file, ...listen, ...options], {
    env: environmentIn(folder),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  const address = text.toString().trim();
  const millis: number[] = [];
  const memory: number[] = [];
  let bytes = 0;
  let own = 0;
  const cpu = await underTraffic(node, async () => {
    const before = cpuOf(child.pid);
    for (let at = 0; at < seconds; at += scrapeSeconds) {
      await sleep(scrapeSeconds * 1000);
      const startedAt = performance.now();
      bytes = (await (await fetch(address)).text()).length;
      millis.push(performance.now() - startedAt);
      memory.push(residentBytes(child.pid));
    }
    own = cpuOf(child.pid) - before;
  });
  child.kill('SIGINT');
  await closed;
  const early = memory.slice(0, Math.max(1, Math.ceil(60 / scrapeSeconds)));
  return [
    ...[options.join(' ') || 'metrics', percent(cpu), percent(own)],
    ...[Math.max(...early) / 1e6, (memory.at(-1) ?? 0) / 1e6].map((megabytes) => megabytes.toFixed(0)),
    ...[median(millis).toFixed(1), Math.max(...millis).toFixed(1), (bytes / 1e3).toFixed(0)],
  ];
}

function inProc(pid: number | undefined, name: string): string {
  return readFileSync(`/proc/${pid ?? 0}/${name}`, 'utf8');
}

/** In Linux's ticks of a hundredth of a second: the 14th and 15th field. */
function cpuOf(pid: number | undefined): number {
  const [user, system] = inProc(pid, 'stat')
    .replace(/^.*\) /s, '')
    .split(' ')
    .slice(11, 13);
  return (Number(user) + Number(system)) / 100;
}

function residentBytes(pid: number | undefined): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(inProc(pid, 'status'))?.[1] ?? 0) * 1024;
}
