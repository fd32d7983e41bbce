import { performance } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import { Connection } from '../redis/connection.ts';
import { RedisError } from '../redis/errors.ts';
import { LookupTally } from '../redis/lookups.ts';
import type { ConnectTarget } from '../redis/target.ts';
import { Claims } from './claims.ts';
import { systemClock } from './clock.ts';
import { Senders } from './senders.ts';
import { pick } from '../support/collections.ts';
import { failureFields, type Order, type PlainFailure, type Report, type ThreadTask } from './threads.ts';

/** What runs in a thread of `bench`: a file of its own in the bundle. It ends with the thread. */
const { options, indexes, targets, isTraced } = workerData as ThreadTask;
const lookups = targets.map(() => new LookupTally());
const stop = new AbortController();

const report = (what: Report) => parentPort?.postMessage(what);

/** @throws unknown where it is no failure of the server: then the thread breaks */
function plain(error: unknown): PlainFailure {
  if (!(error instanceof RedisError)) throw error;
  return pick(error, failureFields);
}

function openConnection(index: number): Promise<Connection> {
  const node = index % targets.length;
  const target = targets[node] as ConnectTarget;
  const trace = isTraced && {
    trace: (exchange: Parameters<NonNullable<ConnectTarget['trace']>>[0]) =>
      report({ kind: 'traced', exchange }),
  };
  return Connection.open({ ...target, ...trace }, lookups[node], stop.signal);
}

async function run(senders: Senders, { limit, startsAt, memory }: Extract<Order, { kind: 'run' }>) {
  const { failure, ...outcome } = await senders.run({
    limit,
    startsAt: startsAt - performance.timeOrigin,
    claims: new Claims(limit, memory),
    keepsDistribution: true,
    onProgress: (operations) => report({ kind: 'progress', operations }),
  });
  report({
    kind: 'done',
    outcome: { ...outcome, failure: null },
    failure: failure && plain(failure),
    lookups,
  });
}

const opening = Senders.open(indexes, openConnection, options, { clock: systemClock, signal: stop.signal });

parentPort?.on('message', (order: Order) => {
  if (order.kind === 'stop') stop.abort();
  else
    void opening.then((senders) =>
      order.kind === 'prepare' ? senders.prepare(order.workload, order.work) : run(senders, order),
    );
});

opening.then(
  () => report({ kind: 'ready' }),
  (error: unknown) => report({ kind: 'failed', failure: plain(error) }),
);
