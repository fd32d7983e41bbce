import { describe, expect, test } from 'vitest';
import { gatherFacts, type GatherRequest } from '../../src/health/gather.ts';
import { silentProgress } from '../../src/support/progress.ts';
import { asBytes } from '../../src/support/bytes.ts';
import { RedisError } from '../../src/redis/errors.ts';
import { noLookups } from '../../src/redis/lookups.ts';
import { type Reply, ReplyError } from '../../src/redis/reply.ts';
import type { RedisCommand, RedisNode, RedisServer } from '../../src/redis/server.ts';

const noListener = new RedisError('connect', 'ECONNREFUSED', 'cannot connect to cache:6379');
const broken = new RedisError('lost', 'ECONNRESET', 'lost the connection to cache:6379');

type Answer = (command: RedisCommand) => Reply | RedisError;

const loading = new ReplyError('LOADING Redis is loading the dataset in memory');
const stillLoading: Answer = ([name]) => (name === 'INFO' ? asBytes('loading:1\r\n') : loading);
const noPassword: Answer = () => new ReplyError('NOAUTH Authentication required.');

/** A server that keeps what is written, as far as a check needs it. */
function ready(changes: Answer = () => null): Answer {
  let stored: Reply = null;
  return (command) => {
    const changed = changes(command);
    if (changed !== null) return changed;
    const [name, , value] = command;
    if (name === 'INFO') return asBytes('loading:0\r\nrole:master\r\n');
    if (name === 'SET') stored = asBytes(String(value));
    return name === 'GET' ? stored : asBytes('OK');
  };
}

/** Gathers from servers that come one after the other, the last one again and again; an error is a failed connection. */
async function gather(
  attempts: readonly (RedisError | Answer)[],
  request: Partial<GatherRequest> = {},
  signal = new AbortController().signal,
) {
  const opened: { closed: boolean; commands: string[] }[] = [];
  let waits = 0;
  let attempt = 0;
  const open = (): Promise<RedisServer> => {
    const answer = attempts[Math.min(attempt++, attempts.length - 1)];
    if (answer === undefined || answer instanceof RedisError) return Promise.reject(answer ?? noListener);
    const log = { closed: false, commands: [] as string[] };
    opened.push(log);
    const node: RedisNode = {
      address: 'cache:6379',
      database: 0,
      retryMillis: 0,
      lookups: noLookups,
      call: () => Promise.reject(new Error('a refusal is a fact here')),
      batch: (commands) =>
        Promise.all(
          commands.map((command) => {
            log.commands.push(String(command[0]));
            const reply = answer(command);
            return reply instanceof RedisError ? Promise.reject(reply) : Promise.resolve(reply);
          }),
        ),
      openConnection: () => Promise.reject(new Error('no connection is needed')),
      handOver: () => {
        throw new Error('no other thread is needed');
      },
    };
    const close = () => {
      log.closed = true;
    };
    const refresh = () => Promise.resolve();
    return Promise.resolve({
      address: 'redis://cache:6379/0',
      nodes: [node],
      nodeFor: () => node,
      refresh,
      close,
    });
  };
  const facts = await gatherFacts(
    {
      ...{ address: 'redis://cache:6379/0', username: null, database: 0 },
      ...{ pings: 3, canary: 'write', waitMillis: 0, windowSeconds: null },
      ...request,
    },
    {
      ...{ open, signal, clock: () => performance.now(), random: () => 0.5 },
      isReadOnly: () => Promise.resolve(false),
      ledgerFolder: null,
      progress: {
        ...silentProgress,
        start: () => {
          waits++;
        },
      },
    },
  );
  return { facts, opened, attempts: attempt, waits };
}

describe('gathering facts', () => {
  test('asks INFO before it writes and reads, so that its own lookups are not counted', async () => {
    const { facts, opened } = await gather([ready()]);

    expect(opened[0]?.commands).toEqual([
      ...['PING', 'INFO', 'INFO', 'SET', 'GET', 'UNLINK'],
      ...['PING', 'PING', 'PING'],
    ]);
    expect(facts).toMatchObject({
      stop: null,
      waitedMillis: 0,
      canary: { outcome: 'returned', sameBytes: true },
    });
    expect(facts.nodes[0]?.pingMillis).toHaveLength(3);
  });

  test('sees bytes that came back changed', async () => {
    const { facts } = await gather([ready(([name]) => (name === 'GET' ? asBytes('changed') : null))]);

    expect(facts.canary).toMatchObject({ outcome: 'returned', sameBytes: false });
  });

  test('still removes the key where reading it is refused', async () => {
    const { facts, opened } = await gather([
      ready(([name]) => (name === 'GET' ? new ReplyError('NOPERM no') : null)),
    ]);

    expect(facts.canary).toMatchObject({ outcome: 'refused', command: 'GET', error: { code: 'NOPERM' } });
    expect(opened[0]?.commands).toContain('UNLINK');
  });

  test('keeps what was known when the connection breaks', async () => {
    const { facts } = await gather([ready(([name]) => (name === 'SET' ? broken : null))]);

    expect(facts).toMatchObject({ stop: { at: 'work', error: broken }, canary: null });
    expect(facts.nodes[0]?.info).toEqual({ loading: '0', role: 'master' });
  });

  test('does not hide a mistake of the program as a fact', async () => {
    const mistake = ready(() => {
      throw new TypeError('a bug');
    });

    await expect(gather([mistake])).rejects.toThrow('a bug');
  });

  test('tells a refused SELECT from a refused login', async () => {
    const at = async (subject: string) => {
      const refused = new RedisError('refused', 'NOPERM', 'no', undefined, { subject, answer: 'NOPERM no' });
      const { stop } = (await gather([refused])).facts;
      return [stop?.at, stop?.error.failure];
    };

    expect(await at('`SELECT`')).toEqual(['database', 'refused']);
    expect(await at('logging in')).toEqual(['login', 'login']);
  });
});

describe('waiting for a server', () => {
  test('goes through everything that passes by itself, on a new connection each time', async () => {
    const lost: Answer = () => broken;
    const { facts, opened, attempts, waits } = await gather([noListener, lost, stillLoading, ready()], {
      waitMillis: 10_000,
    });

    expect(attempts).toBe(4);
    expect(waits).toBe(1);
    expect(facts.stop).toBeNull();
    expect(facts.waitedMillis).toBeGreaterThan(0);
    expect(opened.map(({ closed }) => closed)).toEqual([true, true, false]);
  });

  test('does not happen without being asked for', async () => {
    expect(await gather([noListener, ready()])).toMatchObject({
      attempts: 1,
      waits: 0,
      facts: { waitedMillis: 0 },
    });
    expect((await gather([stillLoading, ready()])).facts.canary).toBeNull();
  });

  test('ends at a refused login', async () => {
    const { facts, attempts } = await gather([noListener, noPassword, ready()], { waitMillis: 10_000 });

    expect(attempts).toBe(2);
    expect(facts.stop).toMatchObject({ at: 'login', error: { code: 'NOAUTH' } });
  });

  test('ends when its time is over, with the last answer', async () => {
    const { facts, attempts } = await gather([noListener], { waitMillis: 250 });

    expect(attempts).toBeGreaterThan(1);
    expect(facts.stop).toMatchObject({ at: 'connect', error: noListener });
  });

  test('ends in the middle of a pause when it is interrupted', async () => {
    const controller = new AbortController();
    const startedAt = performance.now();
    setTimeout(() => controller.abort('SIGINT'), 50);
    const { facts } = await gather([noListener], { waitMillis: 3_600_000 }, controller.signal);

    expect(facts.interrupted).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });
});
