import { compareSpecificity, compilePattern, parsePattern } from '../../src/keyspace/pattern.ts';
import { buildMap } from '../../src/config/build-map.ts';
import { asBytes, type ByteString } from '../../src/support/bytes.ts';
import { median, say } from './measure.ts';
import { sayTable } from './table.ts';

/**
 * What it costs to find the namespace of a key, by the number of namespaces in the map, next to a search through all
 * patterns in the order of precedence.
 */
const forms: Readonly<Record<string, readonly [pattern: string, key: string]>> = {
  'a prefix each': ['ns#:<id>', 'ns#:@'],
  'one prefix, text behind an id': ['app:<id>:x#', 'app:@:x#'],
  'one prefix, text between wildcards': ['app:<id>:x#:*', 'app:@:x#:more'],
  'wildcard first': ['*:x#', 'app:@:x#'],
};
const sizes = [10, 200, 2000];
const keysAsked = 100_000;

const rows: string[][] = [];
for (const [name, [pattern, keyForm]] of Object.entries(forms)) {
  let first = 0;
  for (const size of sizes) {
    const texts = Array.from({ length: size }, (_, at) => pattern.replace('#', String(at)));
    const keys = Array.from({ length: keysAsked }, (_, at) =>
      asBytes(keyForm.replace('#', String((at * 7919) % size)).replace('@', String(at))),
    );
    const { classify } = buildMap({
      namespaces: Object.fromEntries(texts.map((text, at) => [`n${at}`, { pattern: text }])),
    });
    const indexed = microsPerKey(keys, classify);
    // A search through thousands would take minutes.
    const searched = microsPerKey(keys.slice(0, 2_000_000 / size), searchOf(texts));
    first ||= indexed;
    rows.push([
      name,
      String(size),
      indexed.toFixed(2),
      `${(indexed / first).toFixed(1)}x`,
      searched.toFixed(2),
      `${(searched / indexed).toFixed(1)}x`,
    ]);
  }
}
say(`µs of CPU for each key, median of five runs over ${keysAsked} keys`);
sayTable(['patterns', 'namespaces', 'indexed', 'of the smallest', 'searched', 'of indexed'], rows);

function searchOf(texts: readonly string[]): (key: ByteString) => unknown {
  const matchers = texts
    .map(parsePattern)
    .sort(compareSpecificity)
    .map((pattern) => compilePattern(pattern, [':']));
  return (key) => matchers.find((matches) => matches(key));
}

function microsPerKey(keys: readonly ByteString[], find: (key: ByteString) => unknown): number {
  const runs = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    for (const key of keys) find(key);
    return process.cpuUsage(before).user / keys.length;
  });
  return median(runs);
}
