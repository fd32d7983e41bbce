import { sumOrNull } from '../support/collections.ts';
import { emptyAccount, sumAccounts, type WalkAccount } from '../redis/account.ts';
import {
  cpuSecondsBetween,
  fieldTtlsOf,
  type NodeFacts,
  readAllNodeFacts,
  readNodeFacts,
} from '../redis/node-facts.ts';
import type { WalkColumns } from '../redis/columns.ts';
import { RedisError } from '../redis/errors.ts';
import { readMostElements } from './most-elements.ts';
import type { RedisServer } from '../redis/server.ts';
import { readExactly } from './read-exactly.ts';
import { readSample } from './read-sample.ts';
import {
  type Analysis,
  type AnalysisOptions,
  isNarrowed,
  type KeyspaceReading,
  namesOf,
  type ReadInput,
} from './reading.ts';

/** Up to so many keys a walk over all of them takes less than a second or two, and a sample would save little. */
const mostKeysExact = 250_000;

/** Reads the keys of every node, all or a sample, and sums up by namespace. @throws RedisError where nothing could be read */
export async function analyzeKeyspace(server: RedisServer, options: AnalysisOptions): Promise<Analysis> {
  const { now, progress, reading } = options;
  const startedAt = now();
  const nodes = await Promise.all(
    server.nodes.map(async (node) => ({ node, facts: await readNodeFacts(node) })),
  );
  const before = nodes.map(({ facts }) => facts);
  const population = sumOrNull(before.map(({ keys }) => keys));
  const every =
    reading.exact ??
    (reading.resume !== undefined ||
      reading.onState !== undefined ||
      population === null ||
      population <= (reading.exactUpTo ?? (reading.precision === undefined ? mostKeysExact : 0)));
  const details = permittedDetails(options.details, before);
  const input = { ...options, details, server, nodes };
  const drawing = emptyAccount();
  const sampled = every || population === null ? null : await readSample(input, population, drawing);
  const summed = sampled ?? withCost(await readExactly(input, population), drawing);
  const { read, mostElements } = await withMostElements(input, summed);
  progress.stop();
  // The walk restores its own connection where it broke; figures must not fail because the CPU cannot be read.
  const after = read.failure === null ? await readAllNodeFacts(server).catch(() => []) : [];
  const populationAtEnd = after.length === 0 ? null : sumOrNull(after.map(({ keys }) => keys));
  return {
    ...read,
    method: { ...read.method, populationAtEnd: read.method.populationAtEnd ?? populationAtEnd },
    narrowed: isNarrowed(options),
    mostElements,
    columns: new Set(namesOf({ ...options.columns, ...details })),
    durationSeconds: (now() - startedAt) / 1000,
    persistentKeys:
      after.length === 0 || isNarrowed(options)
        ? null
        : sumOrNull(after.map(({ persistentKeys }) => persistentKeys)),
    keysWithFieldTtls: isNarrowed(options) ? null : fieldTtlsOf(after),
    serverCpuSeconds: cpuSecondsBetween(before, after),
  };
}

/** With a further walk, where one is asked for; what it cost is added. */
async function withMostElements(
  input: ReadInput,
  read: KeyspaceReading,
): Promise<{ read: KeyspaceReading; mostElements: Analysis['mostElements'] }> {
  const { mostElements: most, signal } = input;
  if (most === undefined || read.failure !== null || signal.aborted) return { read, mostElements: null };
  try {
    const { keys, account } = await readMostElements(input, most);
    return {
      read: withCost(read, { ...account, unreadableKeys: 0 }),
      mostElements: account.complete ? keys : null,
    };
  } catch (error) {
    if (!(error instanceof RedisError)) throw error;
    return { read: { ...read, failure: error }, mostElements: null };
  }
}

/** With what a sample cost that was given up on the way. */
function withCost(read: KeyspaceReading, drawing: WalkAccount): KeyspaceReading {
  const { complete, cursor } = read.account;
  return { ...read, account: { ...sumAccounts([drawing, read.account], 2), complete, cursor } };
}

/** An LFU policy keeps a frequency in the place of the time of the last access, and any other the other way round. */
function permittedDetails(details: WalkColumns, facts: readonly NodeFacts[]): WalkColumns {
  if (details.idle !== true && details.frequency !== true) return details;
  const frequency = facts.some(({ policy }) => policy?.endsWith('lfu') === true);
  return { ...details, idle: !frequency, frequency };
}
