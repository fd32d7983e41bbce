import { given } from '../support/collections.ts';
import { sumAccounts, type WalkAccount, type ColumnName } from '../redis/account.ts';
import type { WalkColumns } from '../redis/columns.ts';
import { shareBefore } from '../redis/page-source.ts';
import { RedisError } from '../redis/errors.ts';
import { type NodePage, walkNodes } from '../redis/walk-nodes.ts';
import type { ByteString } from '../support/bytes.ts';
import type { WalkPage } from '../redis/walk.ts';
import {
  defaultPrecision,
  filtersOf,
  isNarrowed,
  namesOf,
  refusesMemory,
  wantedColumns,
  type KeyspaceReading,
  type Method,
  type ReadInput,
  type ReadNode,
} from './reading.ts';
import { ChosenEstimator, widestShare, KeyChoice } from './chosen-estimate.ts';
import { keyOverheadOn } from './key-memory.ts';
import { NamespaceTree } from './namespace-tree.ts';
import { SampleEstimator, type SampleFrame } from './estimate.ts';
import { Figures } from './figures.ts';
import { isReadWhole, readBounds, uncheckedReasonOf } from './read-sample.ts';
import { RepeatedKeys } from './repeated-keys.ts';
import { sampleGroups } from './tally.ts';

/** Between two states of the walk that are handed out. */
const stateMillis = 1000;

/** Reads every key of every node once. @throws RedisError where nothing could be read */
export async function readExactly(input: ReadInput, population: number | null): Promise<KeyspaceReading> {
  const { nodes, reading, progress, signal, now } = input;
  const repeated = new RepeatedKeys();
  const tree = new NamespaceTree({
    ...{ ...input, ...given({ type: filtersOf(input).type }) },
    ...{ repeated },
    overheadOf: keyOverheadOn(nodes[0]?.facts.release),
  });
  const { resume } = reading;
  if (resume) tree.load(resume.collected);
  const accounts: WalkAccount[] = (resume?.nodes ?? []).map(({ account }) => ({ ...account }));
  const columns = columnsOf(input, population);
  const choice = new KeyChoice(input.map, reading.precision ?? defaultPrecision, reading.draw);
  const startedAt = coverageOf(nodes, accounts);
  let failure: RedisError | null = null;
  let savedAt = now();
  const saveState = () => {
    savedAt = now();
    const states = accounts.map((account, index) => ({ runId: nodes[index]?.facts.runId ?? null, account }));
    reading.onState?.({ nodes: states, collected: tree.save() });
  };
  progress.start('reading keys', 'keys', population);
  const done = () => (population === null ? tree.keys : Math.round(coverageOf(nodes, accounts) * population));
  /** Of the page in hand of each node: its keys, and the weight of each. */
  const weighed = new Map<WalkAccount, readonly [keys: readonly ByteString[], weights: readonly number[]]>();
  const chosen = (account: WalkAccount, index: number) => (page: WalkPage) => {
    const behind = { ...account, cursor: page.cursor, complete: page.cursor === '0' };
    const walked = coverageOf(nodes, accounts.with(index, behind)) - startedAt;
    const weights = choice.weigh(page.keys, walked);
    weighed.set(account, [page.keys, weights]);
    // Where sizes are refused, a key of which it is not known may be there all the same.
    const gone = (at: number) => page.memoryBytes[at] === null && !refusesMemory(account);
    return weights.flatMap((weight, at) => (weight > 0 && !gone(at) ? [at] : []));
  };
  const weightsOf = ({ account, keys }: NodePage) => {
    const [all, weights] = weighed.get(account) ?? [[], []];
    if (keys.length === all.length) return weights;
    // Keys that another node has given before are left out.
    const byKey = new Map(all.map((key, index) => [key, weights[index] ?? 0]));
    return keys.map((key) => byKey.get(key) ?? 0);
  };
  const options = {
    ...filtersOf(input),
    columns: columns.ofAll,
    signal,
    limits: reading,
    ...(reading.pageSize !== undefined && { pageSize: reading.pageSize }),
    onScan: () => progress.update(done()),
  };
  const optionsFor = (account: WalkAccount, index: number) => ({
    ...options,
    ...(columns.ofChosen && { further: [{ columns: columns.ofChosen, of: chosen(account, index) }] }),
  });
  try {
    const pages = walkNodes(input.server, optionsFor, accounts);
    for await (const page of pages) {
      tree.addPage(page, null, columns.ofChosen && weightsOf(page));
      if (reading.onState && now() - savedAt >= stateMillis) saveState();
    }
  } catch (error) {
    if (!(error instanceof RedisError) || tree.keys === 0) throw error;
    failure = error;
  }
  const account = sumAccounts(accounts, nodes.length);
  if (!account.complete && reading.onState) saveState();
  const coverage = account.complete ? 1 : coverageOf(nodes, accounts);
  const names = namesOf(columns.ofChosen ?? {});
  const { figures, coversAll } = figuresOf(input, tree, population, coverage, names, repeated.mostRepeats);
  const counted = account.complete || isNarrowed(input) ? null : tree.keys;
  const method: Method = {
    kind: account.complete ? 'exact' : 'partial',
    population,
    populationAtEnd: null,
    scannedKeys: population === null ? null : (counted ?? Math.round(coverage * population)),
    coversAll,
    coverage,
    repeatedKeys: repeated.repeats,
    mostRecountedKeys: repeated.mostRepeats,
    uncountedBytes: account.complete ? await uncountedBytes(input, tree, account) : null,
    ...(choice.passedOver === 0 && (resume === undefined || tree.detailedKeys >= tree.keys)
      ? { precision: null, lookedUpKeys: null }
      : {
          precision: {
            target: reading.precision ?? defaultPrecision,
            reached: widestShare([...tree.leaves()], coversAll ? coverage : 1),
          },
          lookedUpKeys: tree.detailedKeys,
        }),
  };
  return { tree, figures, method, account, failure };
}

/** Of hash tables and sorted sets MEMORY USAGE leaves out up to a seventh, see docs/inspection.md; and half a megabyte. */
const mostLeftOut = (bytes: number) => 0.18 * bytes + 524_288;

/**
 * MEMORY USAGE measures five elements of a collection, and takes all others to be as long: what it misses shows in what the server
 * holds altogether.
 */
async function uncountedBytes(
  input: ReadInput,
  tree: NamespaceTree,
  account: WalkAccount,
): Promise<number | null> {
  if (input.columns.memory !== true || uncheckedReasonOf(input) !== null || !isReadWhole(account))
    return null;
  const held = await readBounds(input.nodes).catch(() => null);
  if (held === null) return null;
  const { memoryBytes } = tree.total().total;
  const more = held.lowBytes - memoryBytes;
  return more > mostLeftOut(memoryBytes) ? Math.round(more) : 0;
}

/** What is read of every key, and of chosen ones; null where every key is read in the same way. */
function columnsOf(
  input: ReadInput,
  population: number | null,
): { readonly ofAll: WalkColumns; readonly ofChosen: WalkColumns | null } {
  const { details, reading } = input;
  const wanted = wantedColumns(input);
  const ofChosen = { ...wanted, ...details, memory: false };
  // Without the size of the keyspace it is not known how much of it the walk has behind it.
  if (reading.exact === true || population === null || namesOf(ofChosen).length === 0)
    return { ofAll: { ...wanted, ...details }, ofChosen: null };
  return { ofAll: { memory: wanted.memory === true }, ofChosen };
}

/** Share of the keys of all nodes that is before the cursors, from 0 to 1. */
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
  tree: NamespaceTree,
  population: number | null,
  coverage: number,
  chosenColumns: readonly ColumnName[],
  mostRepeats: number,
): { figures: Figures; coversAll: boolean } {
  const columnsFor = (share: number) =>
    new Map(chosenColumns.map((name) => [name, new ChosenEstimator(share)]));
  if (coverage >= 1) return { figures: new Figures(null, columnsFor(1), mostRepeats), coversAll: true };
  const [first, ...others] = input.nodes;
  const random = others.length === 0 && first?.facts.storedBySlot === false && population !== null;
  if (!random || coverage === 0) return { figures: new Figures(null, columnsFor(1)), coversAll: false };
  const namespaces = [...tree.leaves()].map(({ total }) => total);
  const frame = isNarrowed(input)
    ? frameOf(population * thinning, population * thinning * coverage, coverage)
    : frameOf(population, tree.keys, coverage);
  return {
    figures: new Figures(new SampleEstimator(frame, namespaces), columnsFor(coverage)),
    coversAll: true,
  };
}

/**
 * With a filter the keys that were skipped are not counted, only the share of the table already read. What was found
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
