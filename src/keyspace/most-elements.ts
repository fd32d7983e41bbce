import { emptyAccount, sumAccounts, type WalkAccount } from '../redis/account.ts';
import { lengthCommands } from '../redis/key-conditions.ts';
import { walkNodes } from '../redis/walk-nodes.ts';
import type { WalkPage } from '../redis/walk.ts';
import type { ByteString } from '../support/bytes.ts';
import { given } from '../support/collections.ts';
import { filtersOf, type ReadInput } from './reading.ts';
import { dealFrom } from './key-text.ts';
import { TopKeys } from './top-keys.ts';

/** A key among those of its type that have the most elements, or of strings take the most memory. */
export interface MostElements {
  readonly key: ByteString;
  readonly type: string;
  /** Null: of a string. */
  readonly elements: number | null;
  /** Null: not permitted. */
  readonly memoryBytes: number | null;
}

/** What a walk for them came to. */
export interface MostElementsReading {
  /** The first of each type, then the second of each, and so on. */
  readonly keys: readonly MostElements[];
  readonly account: WalkAccount;
}

/** In the order in which they are listed. */
const types = [...Object.keys(lengthCommands), 'string'];

/**
 * Finds the keys with the most elements of each type among all keys: a sample would not meet them. Where the server tests types for
 * nothing it is asked for one after the other, and only collections cost a lookup; else every key costs one for its type.
 * @param most of each type
 * @throws RedisError where the connection is lost, or the elements of a type are refused
 */
export async function readMostElements(input: ReadInput, most: number): Promise<MostElementsReading> {
  const { server, nodes, reading, signal, progress } = input;
  const filter = filtersOf(input);
  const isCounted = nodes.some(({ facts }) => facts.countsScanType);
  const walks = filter.type !== undefined || isCounted ? [filter.type] : types;
  const tops = new Map(types.map((type) => [type, new TopKeys<MostElements>(most, rankOf)]));
  const accounts: WalkAccount[] = [];
  progress.start('counting elements', 'keys', null);
  let seen = 0;
  for (const type of walks) {
    const isCollection = (page: WalkPage, index: number) =>
      Object.hasOwn(lengthCommands, (type ?? page.types[index] ?? '').toLowerCase());
    const options = {
      ...{ ...filter, ...given({ type }) },
      columns: { memory: true, type: type === undefined },
      further: [
        {
          columns: { elements: true },
          of: (page: WalkPage) => [...page.keys.keys()].filter((index) => isCollection(page, index)),
        },
      ],
      ...{ signal, limits: reading, ...given({ pageSize: reading.pageSize }) },
    };
    const own: WalkAccount[] = [];
    for await (const page of walkNodes(server, () => options, own)) {
      offer(page, type);
      progress.update((seen += page.keys.length));
    }
    accounts.push(...own);
    if (own.some(({ complete }) => !complete)) break;
  }
  const found = [...tops.values()].map((top) => top.list());
  return { keys: dealFrom(found, Number.POSITIVE_INFINITY), account: sumOf(accounts, walks.length) };

  function offer(page: WalkPage, known: string | undefined): void {
    page.keys.forEach((key, index) => {
      const type = (known ?? page.types[index])?.toLowerCase();
      const top = type === undefined ? undefined : tops.get(type);
      if (type === undefined || top === undefined) return;
      const [elements, memoryBytes] = [page.elements[index] ?? null, page.memoryBytes[index] ?? null];
      // A collection that is gone by then has none.
      if (type === 'string' || elements !== null) top.offer({ key, type, elements, memoryBytes });
    });
  }
}

const rankOf = ({ elements, memoryBytes }: MostElements): number => elements ?? memoryBytes ?? 0;

const sumOf = (accounts: readonly WalkAccount[], walks: number): WalkAccount => ({
  ...sumAccounts(accounts.length === 0 ? [emptyAccount()] : accounts, accounts.length),
  complete: accounts.length >= walks && accounts.every(({ complete }) => complete),
});
