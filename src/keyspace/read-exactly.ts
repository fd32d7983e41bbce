import { emptyAccount, sumAccounts, type WalkAccount } from '../redis/account.ts';
import type { ColumnName } from '../redis/columns.ts';
import { shareBefore } from '../redis/cursor.ts';
import { RedisError } from '../redis/errors.ts';
import type { Pace } from '../redis/pace.ts';
import { walkKeys, type WalkOptions } from '../redis/walk.ts';
import { filtersOf, type KeyspaceReading, type Method, type ReadInput, type ReadNode } from './reading.ts';
import { Collector } from './collector.ts';
import { pooledSpreadOf, SampleEstimator, type SampleFrame } from './estimate.ts';
import { Figures } from './figures.ts';
import { startPacing } from './pacing.ts';
import { sampleGroups } from './tally.ts';

const defaultPageSize = 500;
/** Of about so many keys the details are read, where there are more. */
const detailedKeys = 25_000;
/** Between two states of the walk that are handed out. */
const stateMillis = 1000;

/** Reads every key of every node once. @throws RedisError where nothing could be read */
export async function readExactly(input: ReadInput, population: number | null): Promise<KeyspaceReading> {
  const { nodes, reading, progress, signal, now } = input;
  const collector = new Collector(input);
  const { resume } = reading;
  if (resume) collector.load(resume.collected);
  const accounts: WalkAccount[] = (resume?.nodes ?? []).map(({ account }) => ({ ...account }));
  const detailEvery = detailPagesOf(input, population);
  let failure: RedisError | null = null;
  let savedAt = now();
  const saveState = () => {
    savedAt = now();
    const states = accounts.map((account, index) => ({ runId: nodes[index]?.facts.runId ?? null, account }));
    reading.onState?.({ nodes: states, collected: collector.save() });
  };
  progress.start('reading keys', 'keys', population);
  const done = () =>
    population === null ? collector.tree.keys : Math.round(coverageOf(nodes, accounts) * population);
  try {
    for (const [index, each] of nodes.entries()) {
      const account = accounts[index] ?? emptyAccount();
      accounts[index] = account;
      if (account.complete) continue;
      const pacing = await startPacing(each.node, reading, signal);
      const options = walkOptionsOf(input, detailEvery, pacing.pace, account);
      const onScan = () => progress.update(done());
      try {
        for await (const page of walkKeys(each.node, { ...options, onScan }, account)) {
          collector.add(page, null);
          if (reading.onState && now() - savedAt >= stateMillis) saveState();
        }
      } finally {
        pacing.end();
      }
      if (signal.aborted) break;
    }
  } catch (error) {
    if (!(error instanceof RedisError) || collector.tree.keys === 0) throw error;
    failure = error;
  }
  const account = sumAccounts(accounts, nodes.length);
  if (!account.complete && reading.onState) saveState();
  const coverage = account.complete ? 1 : coverageOf(nodes, accounts);
  const { figures, coversAll } = figuresOf(input, population, coverage, detailEvery, collector);
  const counted = account.complete || isNarrowed(input) ? null : collector.tree.keys;
  const method: Method = {
    kind: account.complete ? 'exact' : 'partial',
    population,
    scannedKeys: population === null ? null : (counted ?? Math.round(coverage * population)),
    coversAll,
    coverage,
    precision: null,
  };
  return { tree: collector.tree, figures, method, largest: collector.largest.list(), account, failure };
}

function isNarrowed(input: ReadInput): boolean {
  return Object.keys(filtersOf(input)).length > 0;
}

/** Every how many pages the details are read. */
function detailPagesOf(input: ReadInput, population: number | null): number {
  // Pages that follow each other are no sample where keys are stored by slot.
  const inOrder = input.nodes.some(({ facts }) => facts.storedBySlot);
  return isNarrowed(input) || inOrder || population === null
    ? 1
    : Math.max(1, Math.floor(population / detailedKeys));
}

function walkOptionsOf(
  input: ReadInput,
  detailEvery: number,
  pace: Pace | undefined,
  account: WalkAccount,
): WalkOptions {
  const { columns, details, signal, reading, type } = input;
  // What every key was asked for by its type has.
  const each = { ...columns, type: columns.type === true && type === undefined };
  const all = { ...each, ...details };
  return {
    ...filtersOf(input),
    columns: (page) => (page % detailEvery === 0 ? all : each),
    signal,
    pageSize: reading.pageSize ?? defaultPageSize,
    from: account.cursor,
    pace,
  };
}

/** Share of the keys of all nodes that lies before the cursors, from 0 to 1. */
function coverageOf(nodes: readonly ReadNode[], accounts: readonly WalkAccount[]): number {
  let [before, all] = [0, 0];
  nodes.forEach(({ facts }, index) => {
    const keys = facts.keys ?? 0;
    const account = accounts[index];
    all += keys;
    if (account) before += keys * (account.complete ? 1 : shareBefore(account.cursor, facts.storedBySlot));
  });
  return all === 0 ? 0 : before / all;
}

/**
 * Keys are visited in the order of a hash, so what was read of one node by then is a random sample of its keys; that of
 * several nodes, or of slots, is not.
 */
function figuresOf(
  input: ReadInput,
  population: number | null,
  coverage: number,
  detailEvery: number,
  collector: Collector,
): { figures: Figures; coversAll: boolean } {
  const spread = pooledSpreadOf([...collector.tree.leaves()].map(({ total }) => total));
  const all = population ?? 0;
  const estimatorFor = (fraction: number) =>
    new SampleEstimator(frameOf(all, all * fraction, fraction), spread);
  const names = Object.keys(input.details) as ColumnName[];
  const columnsFor = (fraction: number) =>
    new Map(detailEvery === 1 ? [] : names.map((name) => [name, estimatorFor(fraction / detailEvery)]));
  if (coverage >= 1) return { figures: new Figures(null, columnsFor(1)), coversAll: true };
  const [first, ...others] = input.nodes;
  const random = others.length === 0 && first?.facts.storedBySlot === false && population !== null;
  if (!random || coverage === 0) return { figures: new Figures(null), coversAll: false };
  const frame = isNarrowed(input)
    ? frameOf(all * thinning, all * thinning * coverage, coverage)
    : frameOf(all, collector.tree.keys, coverage);
  return { figures: new Figures(new SampleEstimator(frame, spread), columnsFor(coverage)), coversAll: true };
}

/**
 * With a filter nobody counts the keys that were passed over, only the share of the table that lies behind. What was found
 * is then a set of keys thinned out at that share, whatever part of the database it is: as if it were a small part of one
 * so many times larger. The binomial variance of such a part is that of thinning to within 1 / (2 × 20) of its root.
 */
const thinning = 20;

function frameOf(population: number, scannedKeys: number, fraction: number): SampleFrame {
  return {
    population,
    scannedKeys,
    fraction,
    groupWeights: Array.from({ length: sampleGroups }, () => scannedKeys / sampleGroups),
  };
}
