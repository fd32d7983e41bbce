import { Connection } from '../../src/redis/connection.ts';
import { firstKeyOf } from './keyspace.ts';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Another client of the server, in a process of its own: it reads keys one at a time on one connection, with a pause of
 * 1 ms between, and keeps each round trip. Says `ready` once it is warm, and on any message answers with a
 * BystanderReport and ends. Started by inspect-latency.ts: bystander.ts PORT KEYS
 */
export interface BystanderReport {
  readonly reads: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  readonly maxMicros: number;
}

const [port, keys] = process.argv.slice(2).map(Number);
const hundreds = Math.max(1, Math.floor((keys ?? 0) / 100));
const warmUpReads = 500;
const pauseMillis = 1;

const connection = await Connection.open({
  host: '127.0.0.1',
  port: port ?? 0,
  database: 0,
  timeoutMillis: 60_000,
});
const asked = { to: 'go on' };
process.once('message', () => (asked.to = 'stop'));
const micros: number[] = [];
for (let read = 0; asked.to !== 'stop'; read++) {
  if (read === warmUpReads) process.send?.('ready');
  const key = firstKeyOf(Math.floor(Math.random() * hundreds));
  const startedAt = performance.now();
  const [reply] = await connection.exchange([['GET', key]]);
  const elapsedMicros = (performance.now() - startedAt) * 1000;
  if (typeof reply !== 'string') throw new Error(`\`${key}\` is not there`);
  if (read >= warmUpReads) micros.push(elapsedMicros);
  await sleep(pauseMillis);
}
connection.close();
micros.sort((left, right) => left - right);
const percentile = (share: number) => micros[Math.ceil(share * micros.length) - 1] ?? Number.NaN;
const report: BystanderReport = {
  reads: micros.length,
  p50Micros: percentile(0.5),
  p99Micros: percentile(0.99),
  maxMicros: percentile(1),
};
process.send?.(report, () => process.disconnect());
