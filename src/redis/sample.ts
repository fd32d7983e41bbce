import type { SeededRandom } from '../support/random.ts';
import type { WalkAccount } from './account.ts';
import type { ByteString } from '../support/bytes.ts';
import {
  askColumns,
  handled,
  isType,
  keysOfType,
  type KeyColumns,
  noColumns,
  receiveColumns,
  type Request,
  type WalkColumns,
} from './columns.ts';
import type { Connection } from './connection.ts';
import {
  keepFitting,
  type KeyConditions,
  type KeyPage,
  missingOf,
  readAhead,
  wantedOf,
  withColumns,
} from './key-conditions.ts';
import { batchesOver, type PaceLimits, startPacing } from './pace.ts';
import type { PagePlace } from './page-source.ts';
import { whenReady } from './readiness.ts';
import type { Reply } from './reply.ts';
import { type SampledNode, SampleWays } from './sample-ways.ts';
import type { RedisServer } from './server.ts';
import { scanCommand, scanPage } from './walk.ts';

export interface SampleOptions {
  /** Server-side MATCH: a glob in bytes. */
  readonly match?: ByteString;
  /** `string`, `hash`, …: tested by the server where that is free, else by a lookup of each key. */
  readonly type?: string;
  /** What is read of the keys of the page with this number, from 0. */
  readonly columns: (page: number) => WalkColumns;
  /** Only keys like this are yielded, and `columns` read of these alone. */
  readonly conditions?: KeyConditions;
  readonly accepts?: (key: ByteString) => boolean;
  readonly limits: PaceLimits & { readonly pageSize?: number };
  readonly signal?: AbortSignal;
  readonly draw: SeededRandom;
}

/** A page that was drawn at random: the wanted ones of its keys, with what was read of them. */
export interface SamplePage extends KeyColumns {
  readonly keys: readonly ByteString[];
  /** Number of the page, from 0. */
  readonly number: number;
  /** Keys of the page, wanted or not. */
  readonly scannedKeys: number;
  readonly from: SampledNode;
  /** Keys of its node when it was scanned, over those when the pages were laid out. */
  readonly growth: number;
}

/** Pages whose SCANs go out together: none of them waits for another, as those of a walk do. */
const pagesInRound = 10;
/** What is on its way when the caller has enough is read in vain. */
const mostRoundsAhead = 8;

/**
 * Reads pages at random places of the table, on every node in proportion to its keys, until the sources have no more
 * or the caller has enough. A cursor may be any number: the server takes the bucket that its lowest bits name.
 *
 * What is on its way on a connection that is lost is left out, and others are drawn in its place: of the same node, or of the one
 * that has taken over.
 * @throws RedisError when SCAN is refused or a connection is lost for good
 */
export async function* samplePages(
  server: RedisServer,
  nodes: readonly SampledNode[],
  options: SampleOptions,
  account: WalkAccount,
): AsyncGenerator<SamplePage> {
  const [first] = nodes;
  if (first === undefined) return;
  const { limits, signal } = options;
  const { pace, end } = await startPacing(first.node, limits, signal, limits.pageSize);
  const ways = new SampleWays(server, nodes, account, signal);
  const drawn = new Map<SampledNode, number>(nodes.map((each) => [each, 0]));
  const { conditions } = options;
  const ahead = (page: number) =>
    conditions === undefined ? options.columns(page) : readAhead(options.columns(page), conditions);
  const enter = (from: SampledNode, pages: number) => void drawn.set(from, (drawn.get(from) ?? 0) + pages);
  let number = 0;
  const scan = async (): Promise<ScanningRound | undefined> => {
    const next = furthestBehind(drawn);
    if (next === undefined || signal?.aborted === true) return undefined;
    const connection = await ways.to(next);
    const size = Math.max(
      1,
      Math.min(pagesInRound, Math.floor((pace?.pageSize ?? 1e9) / next.source.pageSize)),
    );
    const places = next.source.draw(size, options.draw);
    if (places.length === 0) {
      drawn.delete(next);
      return scan();
    }
    enter(next, places.length);
    const type = next.typeByLookup ? undefined : options.type;
    const isNarrowed = options.match !== undefined || type !== undefined;
    // Where the server is to say which keys of a page are wanted, the page is asked for once more.
    const commands = places.flatMap(({ cursor, count }) => [
      scanCommand(cursor, count, undefined, undefined),
      ...(isNarrowed ? [scanCommand(cursor, count, options.match, type)] : []),
    ]);
    const perPlace = commands.length / places.length;
    const replies = handled(
      whenReady(connection, () => connection.exchange([...commands, ['DBSIZE']]), signal),
    );
    return { from: next, connection, places, perPlace, replies };
  };
  const ask = async ({
    from,
    connection,
    places,
    perPlace,
    replies,
  }: ScanningRound): Promise<AskedPage[]> => {
    const scans = await replies;
    const size = scans.at(-1);
    const growth = typeof size === 'number' ? size / from.source.keys : 1;
    let pages = places.map((place, index) => {
      const keysOf = (at: number) => scanPage(scans[at], connection).keys.filter(place.holds);
      const all = keysOf(index * perPlace);
      const listed = perPlace === 1 ? all : keysOf(index * perPlace + 1);
      const keys = options.accepts === undefined ? listed : listed.filter(options.accepts);
      return { keys, number: number++, scannedKeys: all.length, from, growth };
    });
    if (options.type !== undefined && from.typeByLookup) {
      const keys = pages.flatMap((page) => page.keys);
      const { type } = options;
      const moved: number[] = [];
      const onMoved = (index: number) => void moved.push(index);
      const fitting = new Set(await keysOfType(connection, keys, type, account, signal, onMoved));
      const { types } = await ways.readMoved(keys, noColumns, moved, { type: true });
      for (const index of moved) if (isType(types[index], type)) fitting.add(keys[index] as ByteString);
      pages = pages.map((page) => ({ ...page, keys: page.keys.filter((key) => fitting.has(key)) }));
    }
    if (pace) await pace.turn(pages.reduce((sum, { scannedKeys }) => sum + scannedKeys, 0));
    return pages.map((page) => ({
      ...page,
      request: askColumns(connection, page.keys, ahead(page.number), account),
    }));
  };
  /** By round, those that were not handed over yet. */
  const asked: AskedPage[][] = [];
  /** What it reads is in no page, and pages are drawn in the place of those. Their lookups may have been made. */
  const leaveOut = async (
    error: unknown,
    { from, connection }: Pick<ScanningRound, 'from' | 'connection'>,
    pages: number,
    requests: readonly Request[],
  ) => {
    for (const request of requests) await receiveColumns(request, account).catch(() => undefined);
    enter(from, -pages);
    await ways.follow(error, connection);
  };
  const receive = async ({ keys, request, number: page, from }: AskedPage): Promise<KeyPage> => {
    const moved: number[] = [];
    // Once for each column.
    const onMoved = (index: number) => {
      if (moved.at(-1) !== index) moved.push(index);
    };
    const read = await receiveColumns(request, account, { signal, onMoved });
    const all = moved.length === 0 ? read : await ways.readMoved(keys, read, moved, ahead(page));
    if (conditions === undefined) return { keys, ...all };
    const { connection } = request;
    const knownType = from.typeByLookup ? undefined : options.type;
    const left = await keepFitting(connection, { keys, ...all }, conditions, account, { signal, knownType });
    const missing = missingOf(left, options.columns(page));
    const rows = [...left.keys.keys()];
    return wantedOf(
      await withColumns(connection, left, missing, rows, account, signal),
      options.columns(page),
    );
  };
  // A page leaves the list only once it is received: what a reader who leaves did not take is counted all the same.
  const handOver = async function* (): AsyncGenerator<SamplePage> {
    const pages = asked[0] ?? [];
    for (let next = pages.shift(); next !== undefined; next = pages.shift()) {
      const { request, ...page } = next;
      let read: KeyPage;
      try {
        read = await receive(next).finally(() => ways.note());
      } catch (error) {
        const left = pages.splice(0).map((each) => each.request);
        await leaveOut(error, { from: page.from, connection: request.connection }, left.length + 1, left);
        break;
      }
      ways.renew();
      if (page.scannedKeys > 0) yield { ...page, ...read };
    }
    asked.shift();
  };
  try {
    // With a pace nothing is read ahead: what is on its way cannot be slowed down any more.
    const mostAhead = () => (pace === undefined ? batchesOver(ways.roundTripMillis, mostRoundsAhead) : 1);
    const scanning: ScanningRound[] = [];
    for (;;) {
      while (scanning.length < mostAhead()) {
        const round = await scan();
        if (round === undefined) break;
        scanning.push(round);
      }
      const oldest = scanning.shift();
      if (oldest === undefined) break;
      try {
        asked.push(await ask(oldest));
      } catch (error) {
        await leaveOut(error, oldest, oldest.places.length, []);
      }
      while (asked.length >= mostAhead()) yield* handOver();
    }
    while (asked.length > 0) yield* handOver();
  } finally {
    end();
    for (const { request } of asked.flat()) await receiveColumns(request, account).catch(() => undefined);
    ways.note();
    ways.close();
  }
}

interface ScanningRound {
  readonly from: SampledNode;
  readonly connection: Connection;
  readonly places: readonly PagePlace[];
  /** SCANs for each place: the page, and where the server is to say which of its keys are wanted the page once more. */
  readonly perPlace: number;
  /** Of the SCANs, and of a DBSIZE behind them. */
  readonly replies: Promise<Reply[]>;
}

/** A page with what is asked of its keys. */
type AskedPage = Omit<SamplePage, keyof KeyColumns> & { readonly request: Request };

/** The node of which the smallest share of its keys was read: so each is read in proportion. */
function furthestBehind(drawn: ReadonlyMap<SampledNode, number>): SampledNode | undefined {
  let least: { readonly node: SampledNode; readonly share: number } | undefined;
  for (const [node, pages] of drawn) {
    const share = (pages * node.source.pageSize) / Math.max(1, node.source.keys);
    if (least === undefined || share < least.share) least = { node, share };
  }
  return least?.node;
}
