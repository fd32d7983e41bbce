import { given, sumOrNull } from '../support/collections.ts';
import type { WalkAccount } from '../redis/account.ts';
import { type DatasetBounds, datasetBoundsOf, readSlotSizes } from '../redis/node-facts.ts';
import { RedisError } from '../redis/errors.ts';
import { readInfoWithCommandsIfPermitted } from '../redis/info.ts';
import { type PageSource, segmentPages, slotPages } from '../redis/page-source.ts';
import { samplePages } from '../redis/sample.ts';
import type { SampledNode } from '../redis/sample-ways.ts';
import { slotOf } from '../redis/slots.ts';
import {
  defaultPrecision,
  filtersOf,
  isNarrowed,
  namesOf,
  refusesMemory,
  wantedColumns,
  type KeyspaceReading,
  type ReadInput,
  type ReadNode,
  type UncheckedReason,
} from './reading.ts';
import { largeShare } from './chosen-estimate.ts';
import { keyOverheadOn } from './key-memory.ts';
import { NamespaceTree } from './namespace-tree.ts';
import { DrawnPages } from './drawn-pages.ts';
import { type Figure, SampleEstimator } from './estimate.ts';
import { Figures } from './figures.ts';
import { largeFromOf, type MemoryCheck } from './large-keys.ts';
import { sampleGroups } from './tally.ts';

/** Where no precision was requested, a sample ends here: within a second. */
const mostKeysByDefault = 400_000;

/** A larger sample would cost as much as reading every key. */
const largestFraction = 0.5;

/** Types and times are known well enough from so many keys: to 2 points for a tenth of them. */
const detailedKeys = 25_000;

/** Four pages for each random group. */
const fewestPages = 4 * sampleGroups;

/** Where no precision was requested, rare namespaces are to be seen too, which takes a tenth of a second more. */
const fewestPagesByDefault = 512;

/** What so many pages have about. */
const fewestKeys = 100 * fewestPages;
const pagesBetweenLooks = fewestPages / 2;

/**
 * Reads pages at random until the large namespaces are known closely enough.
 * @param account filled in as the sample goes, also where it is given up
 * @returns null where the precision asked for takes reading every key, or the server does not tell what a sample needs
 * @throws RedisError where nothing could be read
 */
export async function readSample(
  input: ReadInput,
  population: number,
  account: WalkAccount,
): Promise<KeyspaceReading | null> {
  const { reading, progress, signal, nodes } = input;
  if (population * largestFraction < fewestKeys) return null;
  const sources = await sourcesOf(nodes);
  if (sources === null) return null;
  const target = reading.precision ?? defaultPrecision;
  const tree = new NamespaceTree({
    ...{ ...input, ...given({ type: filtersOf(input).type }) },
    overheadOf: keyOverheadOn(nodes[0]?.facts.release),
  });
  const checkable = uncheckedReasonOf(input) === null;
  const before = checkable ? sumOfBounds(nodes.map(({ facts }) => facts.dataset)) : null;
  const largeFrom = before === null ? undefined : largeFromOf(before.highBytes, population, fewestKeys);
  const stringSizes = sumOfSizes(nodes.map(({ facts }) => facts.stringSizes));
  let memory = before && largeFrom !== undefined ? { ...before, largeFrom, stringSizes } : undefined;
  const sample = new DrawnPages(population, sources, largeFrom);
  /** What the server held at first, less the share of the keys that has gone since: those are not keys that were not met. */
  const memoryOfNow = () => {
    const share = Math.min(1, sample.pages === 0 ? 1 : sample.course.mean / Math.max(1, population));
    return memory && { ...memory, lowBytes: memory.lowBytes * share, highBytes: memory.highBytes * share };
  };
  const figures = (drifting: boolean) =>
    figuresOf(sample, tree, input, {
      drifting,
      memory: isReadWhole(account) ? (drifting ? memory : memoryOfNow()) : undefined,
    });
  let failure: RedisError | null = null;
  progress.start('sampling keys', 'keys', null);
  try {
    const { columns, details, selection } = input;
    // What our own matcher decides needs no second SCAN: the server filters only by what was requested by name.
    const { accepts, type, conditions } = filtersOf(input);
    const all = { ...wantedColumns(input), ...details };
    const pages = samplePages(
      input.server,
      sources,
      {
        ...given({ accepts, match: selection?.glob, type, conditions }),
        columns: () => (tree.detailedKeys < detailedKeys ? all : { memory: columns.memory === true }),
        limits: reading,
        signal,
        draw: reading.draw,
      },
      account,
    );
    for await (const page of pages) {
      const place = sample.add(page, tree.detailedKeys < detailedKeys);
      tree.addPage(page, place);
      if (sample.pages % pagesBetweenLooks !== 0) continue;
      progress.update(sample.scannedKeys);
      // Reading on would not make the keyspace keep still.
      const now = figures(false);
      const reached = precisionOf(now, tree);
      const enough = reading.precision === undefined ? fewestPagesByDefault : fewestPages;
      if (reached <= target && sample.pages >= enough) break;
      if (sample.pages >= enough && readsOnForUnmet(input, population, now, tree)) return null;
      if (sample.scannedKeys >= mostKeys(reading.precision, population)) break;
      if (reading.precision !== undefined && takesAll(sample, population, reached / target)) return null;
    }
  } catch (error) {
    if (!(error instanceof RedisError) || tree.keys === 0) throw error;
    failure = error;
  }
  // Reading on would not make the keyspace keep still: how it has changed since is not a matter of precision.
  const reached = precisionOf(figures(false), tree);
  // What the server holds now and what it held before: the sample is the mean of both.
  const after = memory && !signal.aborted && failure === null ? await readBounds(nodes) : null;
  if (memory !== undefined && after !== null)
    memory = {
      ...memory,
      lowBytes: Math.min(memory.lowBytes, after.lowBytes),
      highBytes: Math.max(memory.highBytes, after.highBytes),
    };
  if (reading.precision !== undefined && reached > target && !signal.aborted && failure === null) return null;
  return {
    tree,
    figures: figures(true),
    method: {
      kind: 'sample',
      population,
      populationAtEnd: Math.round(sample.course.end),
      scannedKeys: sample.scannedKeys,
      coversAll: true,
      coverage: population === 0 ? 1 : sample.scannedKeys / population,
      precision: { target, reached: Number.isFinite(reached) ? reached : null },
      lookedUpKeys: tree.detailedKeys || null,
      repeatedKeys: null,
      mostRecountedKeys: null,
      uncountedBytes: null,
      unchecked: isReadWhole(account) ? uncheckedReasonOf(input) : 'unreadable',
    },
    account,
    failure,
  };
}

/** Up to so many keys are all read where the server's accounts tell of keys that a sample did not meet: in some five seconds. */
const mostKeysForUnmet = 2_000_000;

/** A sample that is large enough for other purposes does not find the few keys that hold so much; reading every key does. */
function readsOnForUnmet(
  { reading }: ReadInput,
  population: number,
  figures: Figures,
  tree: NamespaceTree,
): boolean {
  const { precision = defaultPrecision, maxKeysPerSecond, latencyBudgetMillis } = reading;
  const paced = maxKeysPerSecond !== undefined || latencyBudgetMillis !== undefined;
  const unmet = figures.mostUnmetBytes ?? 0;
  return (
    !paced &&
    reading.precision === undefined &&
    population <= mostKeysForUnmet &&
    unmet > 2 * precision * figures.memoryBytes(tree.total().total).value
  );
}

/** Why sizes cannot be held against what the server says that its keys take; null where they can. */
export function uncheckedReasonOf(input: ReadInput): UncheckedReason | null {
  const { nodes, columns } = input;
  if (columns.memory !== true) return null;
  if (isNarrowed(input)) return 'filtered';
  const others = sumOrNull(nodes.map(({ facts }) => facts.otherKeys));
  if (others === null || nodes.some(({ facts }) => facts.dataset === null)) return 'not-reported';
  const keys = nodes.reduce((sum, { facts }) => sum + (facts.keys ?? 0), 0);
  return others > largestOtherShare * keys ? 'other-databases' : null;
}

/** False where the sizes of keys were refused, of all or of some. */
export function isReadWhole(account: WalkAccount): boolean {
  return account.unreadableKeys === 0 && !refusesMemory(account);
}

/** With more keys in other databases, what the server holds says little of this one. */
const largestOtherShare = 0.01;

function sumOfBounds(bounds: readonly (DatasetBounds | null)[]): DatasetBounds | null {
  const lowBytes = sumOrNull(bounds.map((each) => each && each.lowBytes));
  const highBytes = sumOrNull(bounds.map((each) => each && each.highBytes));
  return lowBytes === null || highBytes === null ? null : { lowBytes, highBytes };
}

function sumOfSizes(
  all: readonly (ReadonlyMap<number, number> | null)[],
): ReadonlyMap<number, number> | null {
  const sum = new Map<number, number>();
  for (const sizes of all) {
    if (sizes === null) return null;
    for (const [bytes, count] of sizes) sum.set(bytes, (sum.get(bytes) ?? 0) + count);
  }
  return sum;
}

export async function readBounds(nodes: readonly ReadNode[]): Promise<DatasetBounds | null> {
  const infos = await Promise.all(nodes.map(({ node }) => readInfoWithCommandsIfPermitted(node)));
  return sumOfBounds(infos.map((info) => info && datasetBoundsOf(info)));
}

/** Null where a node keeps its keys by slot and does not tell their sizes. */
export async function sourcesOf(nodes: readonly ReadNode[]): Promise<SampledNode[] | null> {
  const sources: SampledNode[] = [];
  for (const { node, facts } of nodes) {
    let source: PageSource = segmentPages(facts.keys ?? 0);
    if (facts.storedBySlot) {
      const sizes = await readSlotSizes(node);
      if (sizes === null) return null;
      source = slotPages(sizes, slotOf);
    }
    const { runId, countsScanType: typeByLookup } = facts;
    if (source.keys > 0) sources.push({ node, source, runId, typeByLookup });
  }
  return sources;
}

function figuresOf(
  sample: DrawnPages,
  tree: NamespaceTree,
  { columns, details }: ReadInput,
  { drifting, memory }: { readonly drifting: boolean; readonly memory: MemoryCheck | undefined },
): Figures {
  const namespaces = [...tree.leaves()].map(({ total }) => total);
  const detailed = new SampleEstimator({ ...sample.detailedFrame(drifting), memory }, namespaces);
  const names = namesOf({ ...columns, ...details, memory: false });
  return new Figures(
    new SampleEstimator({ ...sample.frame(drifting), memory }, namespaces),
    new Map(names.map((name) => [name, detailed])),
  );
}

/** Half-width of the widest interval of a large namespace's keys and bytes, as a share of the figure itself. */
function precisionOf(figures: Figures, tree: NamespaceTree): number {
  const leaves = [...tree.leaves()];
  const keys = leaves.reduce((sum, { total }) => sum + total.keys, 0);
  const large = leaves.filter(({ total }) => total.keys >= largeShare * keys);
  const measured = large.length > 0 ? large : [tree.total()];
  return Math.max(
    ...measured.flatMap(({ total }) => [
      halfWidthOf(figures.keys(total)),
      ...(total.memoryBytes > 0 ? [halfWidthOf(figures.memoryBytes(total))] : []),
    ]),
  );
}

function halfWidthOf({ value, interval }: Figure): number {
  if (interval === null) return 0;
  return value === 0 ? Number.POSITIVE_INFINITY : (interval[1] - interval[0]) / 2 / value;
}

function mostKeys(precision: number | undefined, population: number): number {
  const half = population * largestFraction;
  return precision === undefined ? Math.min(mostKeysByDefault, half) : half;
}

/** True where a sample of this spread would have to be larger than half of the keys. The width falls with the root. */
function takesAll({ scannedKeys, pages }: DrawnPages, population: number, excess: number): boolean {
  if (pages < fewestPages || excess <= 1) return false;
  const unlimited = scannedKeys * excess ** 2;
  return unlimited / (1 + unlimited / population) > population * largestFraction;
}
