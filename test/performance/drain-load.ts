import { setTimeout as sleep } from 'node:timers/promises';
import { asBytes, type ByteString, bytesOf } from '../../src/support/bytes.ts';
import { Connection } from '../../src/redis/connection.ts';
import { ReplyError } from '../../src/redis/reply.ts';

/**
 * An application in front of a cache, in a process of its own. It reads keys of all namespaces, few of them often and
 * many seldom, and writes what it misses once a source behind the cache has given it; each key is asked for once at a
 * time, which is kind to the source. Sends a LoadSecond each second until any message comes.
 * Started by drain-curve.ts: drain-load.ts PORT READS-PER-SECOND KEYS-OF-NAMESPACE
 */
export interface LoadSecond {
  readonly hot: Reads;
  readonly cold: Reads;
  /** Values that the source gave. */
  refills: number;
}

interface Reads {
  hits: number;
  misses: number;
}

const [port = 0, readsPerSecond = 0, keysOfNamespace = 0] = process.argv.slice(2).map(Number);
const tickMillis = 5;
const sourceMillis = 5;
const mostAtOnce = 50;
const hotShare = 0.8;
const ttlSeconds = 3600;
const value = asBytes('v'.repeat(200));

const target = { host: '127.0.0.1', port, database: 0, timeoutMillis: 60_000 };
const [reading, writing] = [await Connection.open(target), await Connection.open(target)];
const asked = { to: 'go on' };
process.once('message', () => (asked.to = 'stop'));

let second = emptySecond();
const wanted = new Set<ByteString>();
const queue: ByteString[] = [];
let underWay = 0;

const startedAt = performance.now();
let read = 0;
let reported = 0;
while (asked.to === 'go on') {
  const elapsedSeconds = (performance.now() - startedAt) / 1000;
  const due = Math.floor(elapsedSeconds * readsPerSecond) - read;
  read += due;
  await readKeys(Array.from({ length: due }, chooseKey));
  if (elapsedSeconds >= reported + 1) {
    reported++;
    process.send?.(second);
    second = emptySecond();
  }
  await sleep(tickMillis);
}
reading.close();
// What the source still gives is not written.
writing.close();
process.disconnect();

function emptySecond(): LoadSecond {
  return { hot: { hits: 0, misses: 0 }, cold: { hits: 0, misses: 0 }, refills: 0 };
}

interface Choice {
  readonly key: ByteString;
  readonly namespace: 'hot' | 'cold';
}

/** The chance of a key falls as one over its rank: of 20,000 keys the first 140 get half of all reads. */
function chooseKey(): Choice {
  const rank = Math.floor(keysOfNamespace ** Math.random()) - 1;
  if (Math.random() < hotShare) return { key: bytesOf(`hot:${rank}`), namespace: 'hot' };
  return { key: bytesOf(`cold-${Math.random() < 0.5 ? 'a' : 'b'}:${rank}`), namespace: 'cold' };
}

async function readKeys(choices: readonly Choice[]): Promise<void> {
  const replies = await reading.exchange(choices.map(({ key }) => ['GET', key] as const));
  choices.forEach(({ key, namespace }, index) => {
    const reply = replies[index];
    if (reply instanceof ReplyError) throw new Error(`\`${key}\` cannot be read: ${reply.message}`);
    second[namespace][reply === null ? 'misses' : 'hits']++;
    if (reply !== null || wanted.has(key)) return;
    wanted.add(key);
    queue.push(key);
  });
  askSource();
}

function askSource(): void {
  while (underWay < mostAtOnce) {
    const key = queue.shift();
    if (key === undefined) return;
    underWay++;
    void refill(key);
  }
}

async function refill(key: ByteString): Promise<void> {
  await sleep(sourceMillis);
  if (asked.to !== 'go on') return;
  await writing.exchange([['SET', key, value, 'EX', ttlSeconds]]);
  second.refills++;
  wanted.delete(key);
  underWay--;
  askSource();
}
