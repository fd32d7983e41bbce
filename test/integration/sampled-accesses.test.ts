import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { replay } from '../../src/curves/replay.ts';
import { asBytes, type ByteString } from '../../src/support/bytes.ts';
import { open, startRedis } from '../server/own.ts';
import { during, observeFor } from './observed-traffic.ts';

/** What is done to one key each, step by step. At the end the server says whether it is there. */
const stories = [
  // Times to live: as a point in time, kept, given anew, taken away.
  ...[
    'SET $ v PXAT $soon',
    'SET $ v EXAT $later',
    'SET $ v PX 100;PERSIST $',
    'SET $ v PX 100;GETEX $ PERSIST',
  ],
  ...[
    'SET $ v PX 100;SET $ v',
    'SET $ v PX 100;SET $ v KEEPTTL',
    'SET $ v PX 100;GETSET $ v',
    'SET $ v PX 100;MSET $ v',
  ],
  ...[
    'SET $ v;GETEX $ PXAT $soon',
    'SET $ v;PEXPIREAT $ $soon',
    'SET $ v PX 100;EXPIREAT $ $later',
    'SET $ 1 PX 100;INCR $',
  ],
  ...[
    'SADD $ a;PEXPIRE $ 100;SUNIONSTORE $ full:set',
    'HSET $ f v;EXPIRE $ -1',
    'SET $ v;GETDEL $',
    'COPY full:set $',
  ],
  // What is emptied is gone, and nothing is stored where nothing is.
  ...[
    'LPUSH $ v;LPOP $',
    'LPUSH $ v w;LPOP $',
    'LPOP $',
    'LPUSH $ v|LTRIM $ 5 9',
    'LPUSH $ v|LREM $ 0 v',
    'LPUSHX $ v',
  ],
  ...[
    'SADD $ a|SREM $ a',
    'SADD $ a b|SREM $ a',
    'SADD $ a|SPOP $ 9',
    'HSET $ f v|HDEL $ f',
    'HSET $ f v g w|HDEL $ f',
  ],
  ...[
    'ZADD $ 1 a|ZREM $ a',
    'ZADD $ 1 a|ZPOPMIN $',
    'ZADD $ 1 a|ZREMRANGEBYRANK $ 0 -1',
    'LPUSH $ v|LMPOP 1 $ LEFT',
  ],
  ...[
    'SADD $ a|SDIFFSTORE $ full:set full:set',
    'SET $ v|RENAME $ $:new',
    'LPUSH $ v|LMOVE $ $:new LEFT LEFT',
  ],
  // And comes again.
  ...[
    'SET $ v;DEL $;SET $ v',
    'HSET $ f v;DEL $;HSET $ f v;EXPIRE $ 100',
    'LPUSH $ v|LPOP $|LPUSH $ v',
    'SADD $ a|SPOP $|LPUSH $ v|LPOP $',
  ],
];

test('what is gathered of each key says whether the server has it', async () => {
  const { url } = await startRedis();
  const [server, application] = [await open(url), await open(url)];
  const [node] = application.nodes;
  const words = (text: string) => text.split(' ').map(asBytes) as [ByteString, ...ByteString[]];
  const send = (commands: readonly string[]) => node.batch(commands.map(words));
  const steps = stories.map((story, index) => {
    const soon = () => String(Date.now() + 100);
    const later = () => String(Math.floor(Date.now() / 1000) + 100);
    const named = (text: string) =>
      text.replaceAll('$soon', soon).replaceAll('$later', later).replaceAll('$', `user:${index}`);
    // What follows behind a `|` comes when the events of what was before are there.
    return story.split('|').map((step) => () => step.split(';').map(named));
  });
  let there: unknown[] = [];
  const { accesses } = await observeFor(server, {
    ...during(async () => {
      await send(['SADD full:set a', ...stories.map((_, index) => `DEL user:${index}`)]);
      for (let turn = 0; turn < 4; turn++) {
        // No event says that DEL found nothing, nor which removal it is of.
        await sleep(300);
        await send(steps.flatMap((each) => each[turn]?.() ?? []));
      }
      await sleep(300);
      there = await send(stories.map((_, index) => `EXISTS user:${index}`));
    }),
    sample: { rate: 1, maxKeys: 1000, maxAccesses: 100_000 },
  });
  const trace = accesses?.nodes[0]?.accesses.sample.trace();
  if (trace === undefined) throw new Error('nothing was sampled');
  const outcomes: number[] = [];
  const nothing = () => undefined;
  replay(trace, {
    read: () => outcomes.push(1),
    miss: () => outcomes.push(0),
    ...{ coldHit: nothing, coldMiss: nothing, write: nothing, leave: nothing },
  });
  const lived = (found: readonly unknown[]) => stories.filter((_, index) => found[index] === 1);
  expect(lived(there).length).toBeGreaterThan(10);
  expect(lived(outcomes.slice(-stories.length))).toEqual(lived(there));
});
