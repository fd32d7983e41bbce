import { keyText } from '../keyspace/key-text.ts';
import { countKeys } from '../redis/info.ts';
import type { RedisServer } from '../redis/server.ts';
import { walkNodes } from '../redis/walk-nodes.ts';
import type { NamespaceMap } from '../keyspace/map.ts';
import { counted, formatSeconds } from '../render/units.ts';
import { asBytes } from '../support/bytes.ts';
import { meantName } from '../support/similar.ts';
import type { WindowReport } from '../traffic/report.ts';
import type { Context } from './context.ts';

const shownPatterns = 4;

/** `nothing matched: of 28,200 keys none fits `usr:<id>:*``. @param keyspaceKeys null: not known */
export function nothingMatchedText(keyspaceKeys: number | null, patterns: readonly string[]): string {
  const fitting = listed(patterns, shownPatterns);
  return keyspaceKeys === null || keyspaceKeys === 0
    ? `nothing matched: no key fits ${fitting}`
    : `nothing matched: of ${counted(keyspaceKeys, 'key')} none fits ${fitting}`;
}

/** `a`, `b` and 3 more */
export function listed(names: readonly string[], most: number): string {
  const shown = names.slice(0, most).map((name) => `\`${name}\``);
  const more = names.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${counted(more, 'more', 'more')}` : '');
}

/**
 * Warns that a whole walk met no key that was wanted, with what the keys are named like instead. It asks for DBSIZE and a page of
 * names, which count as no lookups.
 * @param options what else was asked for, as it was written: ` --ttl none`
 */
export async function warnOfNothing(
  context: Context,
  server: RedisServer,
  patterns: readonly string[],
  options: string,
): Promise<void> {
  const wanted = [...patterns, ...(options === '' ? [] : [options.trimStart()])];
  if (wanted.length === 0) return;
  const keys = await countKeys(server);
  const near = keys === 0 ? '' : await namesNear(context, server, patterns);
  context.warnOfResult(
    keys === 0 ? 'nothing matched: there are no keys' : nothingMatchedText(keys, wanted) + near,
  );
}

/** Warns that no read of a window was of a key that was wanted, with what the keys that were read are named like. */
export function warnOfNoReads(
  { map, warnOfResult }: Context,
  { mode, namespaces, notSelected, windowSeconds, outsideWords }: WindowReport,
  patterns: readonly string[],
  options: string,
): void {
  const { reads = null, misses = null } = notSelected ?? {};
  if (mode === 'counters' || namespaces.length > 0 || !(reads ?? misses)) return;
  const wanted = [...patterns, ...(options === '' ? [] : [options.trimStart()])];
  const others = reads === null ? counted(misses ?? 0, 'miss', 'misses') : counted(reads, 'read');
  const counts = new Map([...outsideWords].map(([word, keys]) => [keyText(asBytes(word)), keys]));
  warnOfResult(
    `nothing matched: of ${others} in ${formatSeconds(Math.round(windowSeconds * 10) / 10)} none was of a key that fits ` +
      listed(wanted, shownPatterns) +
      nearText(map, patterns, counts),
  );
}

const mostNames = 4;

const wordOf = ({ delimiters: [delimiter = ':'] }: NamespaceMap, text: string) =>
  /^[^*<?[\\]*/.exec(text)?.[0].split(delimiter)[0] ?? '';

/** `; did you mean `user:<id>:*`?`, or how names begin; empty where no pattern begins with a word. */
export async function namesNear(
  { map, signal }: Context,
  server: RedisServer,
  patterns: readonly string[],
): Promise<string> {
  const [pattern = ''] = patterns;
  if (wordOf(map, pattern) === '') return '';
  const counts = new Map<string, number>();
  for await (const page of walkNodes(server, () => ({ columns: {}, pageSize: 1000, signal }), [], 1)) {
    for (const key of page.keys) {
      const first = wordOf(map, keyText(key));
      if (first !== '') counts.set(first, (counts.get(first) ?? 0) + 1);
    }
    break;
  }
  return nearText(map, patterns, counts);
}

/** @param counts keys by the first word of their names */
function nearText(
  map: NamespaceMap,
  [pattern = '']: readonly string[],
  counts: ReadonlyMap<string, number>,
): string {
  const word = wordOf(map, pattern);
  if (word === '') return '';
  if (counts.has(word) || counts.size === 0) return '';
  const meant = meantName(word, counts.keys());
  if (meant !== undefined) return `; did you mean \`${meant}${pattern.slice(word.length)}\`?`;
  const names = [...counts]
    .sort((left, right) => right[1] - left[1] || left[0].localeCompare(right[0]))
    .map(([name]) => name);
  return `; names begin with ${listed(names, mostNames)}`;
}
