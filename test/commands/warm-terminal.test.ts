import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { RedisServer } from '../../src/redis/server.ts';
import { startBinary } from '../server/binary.ts';
import { emptyDatabase, send, testServer, testUrl } from '../server/redis.ts';
import { runBinaryInTerminal } from '../server/terminal.ts';
import { naming } from '../named-map.ts';
import { temporaryFolder } from '../server/own.ts';

let server: RedisServer;
const folder = temporaryFolder();
beforeAll(async () => {
  server = await testServer();
  writeFileSync(join(folder, 'a.json'), '{"a": "1", "b": "2"}');
  const profiles = { prod: { url: testUrl(), protected: true } };
  writeFileSync(join(folder, 'cachectl.config.json'), JSON.stringify({ profiles }));
});
afterAll(() => {
  server.close();
});
beforeEach(() => emptyDatabase(server));

const keys = () => send(server, 'DBSIZE');

describe('a protected profile at a terminal', () => {
  const start = async () => {
    const terminal = await runBinaryInTerminal(['warm', 'a.json', '--profile', 'prod'], {
      cwd: folder,
      env: naming(folder),
      columns: 120,
    });
    onTestFinished(() => terminal.close());
    await terminal.waitFor(/Profile prod is protected\. Type its name to write 2 records to redis:/);
    return terminal;
  };

  test('is written to once its name is typed', async () => {
    const terminal = await start();
    await terminal.send('prod', 'Enter');
    await terminal.waitFor(/wrote 2 records/);
    expect(await terminal.exitCode()).toBe(0);
    expect(await keys()).toBe(2);
  });

  test('is left alone where another name is typed', async () => {
    const terminal = await start();
    await terminal.send('yes', 'Enter');
    await terminal.waitFor(/error: the typed name is not `prod`/);
    expect(await terminal.exitCode()).toBe(5);
    expect(await keys()).toBe(0);
  });

  test('is left alone where the question is left by Ctrl-C', async () => {
    const terminal = await start();
    await terminal.send('C-c');
    expect(await terminal.exitCode()).toBe(130);
    expect(await keys()).toBe(0);
  });
});

describe('Ctrl-C', () => {
  test('ends the wait for stdin at once', async () => {
    const { child, outcome } = startBinary(['warm', '-', '--url', testUrl()]);
    // More than a pipe holds: once all of it is taken, the program is reading.
    await new Promise((resolve) => child.stdin.write('{"key":"a","value":"1"}\n'.repeat(50_000), resolve));
    child.kill('SIGINT');

    expect(await outcome).toMatchObject({
      exitCode: 130,
      stdout: '',
      stderr: 'error: interrupted while stdin was read; nothing was written\n',
    });
    expect(await keys()).toBe(0);
  });
});
