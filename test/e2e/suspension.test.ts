import { expect, test } from 'vitest';
import { replyText } from '../../src/redis/reply.ts';
import { flagsOn, setFlags } from '../commands/hits-runs.ts';
import { linesOf } from '../commands/reading.ts';
import { startBinary } from '../server/binary.ts';
import { send } from '../server/redis.ts';
import { until } from '../server/until.ts';
import { open, startRedis } from '../server/own.ts';

test.each([
  { args: ['hits', '--for', '2s', '-o', 'json'], exitCode: 0 },
  { args: ['stats', '--hits', '2s', '-o', 'json'], exitCode: 0 },
  { args: ['watch', '--hits', '-i', '500ms', '--for', '2s'], exitCode: 0 },
])(
  '$args.0 under SIGTSTP says that it cannot be suspended, and goes on to its end',
  async ({ args, exitCode }) => {
    const redis = await startRedis();
    const server = await open(redis.url);
    await setFlags(server, 'Kx');
    const before = await flagsOn(server);
    const { child, outcome } = startBinary(args, { env: { REDIS_URL: redis.url } });
    child.stdin.end();
    const isObserving = async () => /flags=\S*O/.test(replyText(await send(server, 'CLIENT', 'LIST')));
    await until('it observes', isObserving);
    let printed = '';
    child.stderr.on('data', (chunk: Buffer) => (printed += String(chunk)));
    child.kill('SIGTSTP');
    await until('the first signal was handled', () => printed.includes('cannot be suspended'));
    child.kill('SIGTSTP');
    const ended = await outcome;
    expect(ended).toMatchObject({ exitCode, signal: null });
    expect(linesOf(ended.stderr).filter((line) => line.includes('cannot be suspended'))).toHaveLength(1);
    expect(ended.stderr).toContain('Ctrl-C ends it');
    expect(await flagsOn(server)).toBe(before);
  },
);
