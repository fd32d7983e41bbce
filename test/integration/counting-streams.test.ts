import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { asBytes } from '../../src/support/bytes.ts';
import { countingRules } from '../../src/traffic/rules/counting-rules.ts';
import { lookupsOf } from '../../src/traffic/rules/lookups.ts';
import { startCountingServer } from './counting-server.ts';

const counting = await startCountingServer();
afterAll(() => counting.stop());

const words = (line: string) => line.split(' ');

/** `a` and `b` have the group `g`, `bare` has none, and `gone` does not exist. */
beforeEach(async () => {
  const node = counting.server.nodes[0];
  const lines = ['DEL a b bare gone', ...['a', 'b', 'bare'].map((key) => `XADD ${key} 1-1 f v`)];
  for (const line of [...lines, 'XGROUP CREATE a g 0', 'XGROUP CREATE b g 0'])
    await node.batch([words(line).map((word) => asBytes(word))]);
});

function ruledOf(line: string): number {
  const argv = words(line).map((word) => asBytes(word));
  const [first = '', second = ''] = words(line);
  const rule = countingRules.find(({ command }) => command === first || command === `${first} ${second}`);
  if (rule === undefined) throw new Error(`no rule for ${line}`);
  const { readKeys, lookupsPerKey } = lookupsOf(rule, argv);
  return readKeys.length * lookupsPerKey;
}

/** The line, its hits, its misses, and by how much the rule says more: nothing, where no residual is left. */
const measured: readonly (readonly [line: string, hits: number, misses: number, excess: number])[] = [
  ['XREAD STREAMS a 0', 2, 0, 0],
  ['XREAD STREAMS a $', 2, 0, 0],
  ['XREAD STREAMS gone 0', 0, 2, 0],
  ['XREAD STREAMS a gone 0 0', 2, 2, 0],
  ['XREAD STREAMS gone a $ $', 2, 2, 0],
  ['XREAD STREAMS a a 0 0', 4, 0, 0],
  ['XREAD STREAMS gone gone 0 0', 0, 4, 0],
  ['XREADGROUP GROUP g c STREAMS a >', 2, 0, 0],
  ['XREADGROUP GROUP g c STREAMS a b > >', 4, 0, 0],
  ['XREADGROUP GROUP g c STREAMS a 0', 2, 0, 0],
  ['XREADGROUP GROUP g c STREAMS gone >', 0, 1, 1],
  ['XREADGROUP GROUP g c STREAMS bare >', 1, 0, 1],
  ['XREADGROUP GROUP g c STREAMS a bare > >', 2, 0, 2],
  ['XREADGROUP GROUP g c STREAMS bare a > >', 1, 0, 3],
  ['XREADGROUP GROUP g c STREAMS a gone > >', 1, 1, 2],
  ['XREADGROUP GROUP g c STREAMS gone a > >', 0, 1, 3],
  ['XREADGROUP GROUP g c STREAMS a bare b > > >', 2, 0, 4],
  ['XREADGROUP GROUP g c STREAMS a gone b > > >', 1, 1, 4],
  ['XREADGROUP GROUP other c STREAMS a b > >', 1, 0, 3],
  ['XPENDING gone g', 0, 1, 0],
  ['XPENDING bare g', 1, 0, 0],
  ['XACK gone g 1-1', 0, 1, 0],
  ['XACK bare g 1-1', 1, 0, 0],
  ['XCLAIM gone g c 0 1-1', 0, 1, 0],
  ['XCLAIM bare g c 0 1-1', 1, 0, 0],
  ['XAUTOCLAIM gone g c 0 0', 0, 1, 0],
  ['XAUTOCLAIM bare g c 0 0', 1, 0, 0],
  ['XINFO STREAM gone', 0, 1, 0],
  ['XINFO STREAM a FULL', 1, 0, 0],
  ['XINFO GROUPS gone', 0, 1, 0],
  ['XINFO CONSUMERS gone g', 0, 1, 0],
  ['XINFO CONSUMERS bare g', 1, 0, 0],
  ['XLEN gone', 0, 1, 0],
  ['XRANGE gone - +', 0, 1, 0],
  ['XGROUP CREATE gone g 0', 0, 0, 0],
  ['XGROUP CREATE gone g 0 MKSTREAM', 0, 0, 0],
  ['XGROUP SETID bare g 0', 0, 0, 0],
  ['XGROUP DESTROY gone g', 0, 0, 0],
  ['XGROUP CREATECONSUMER bare g c', 0, 0, 0],
  ['XGROUP DELCONSUMER bare g c', 0, 0, 0],
  ['XADD gone NOMKSTREAM * f v', 0, 0, 0],
  ['XDEL gone 1-1', 0, 0, 0],
  ['XTRIM gone MAXLEN 1', 0, 0, 0],
  ['XSETID gone 1-1', 0, 0, 0],
];

describe('with a missing stream, a missing group or several streams', () => {
  test.each(measured)('%s counts %i hits and %i misses', async (line, hits, misses, excess) => {
    const counted = await counting.count(words(line));
    expect({ hits: counted.hits, misses: counted.misses }).toEqual({ hits, misses });
    expect(counted.keymiss).toHaveLength(misses);
    expect(ruledOf(line) - hits - misses).toBe(excess);
  });
});
