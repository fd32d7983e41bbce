import { describe, expect, test } from 'vitest';
import { helpTopics } from '../../src/commands/help/topics.ts';
import { displayWidth } from '../../src/render/width.ts';
import { cli } from '../run-cli.ts';

describe.each(helpTopics)('cachectl help %s', (topic, summary) => {
  test('fits a terminal of 80 columns and 24 lines, with examples', async () => {
    const { exitCode, stdout, stderr } = await cli(['help', topic], { columns: 80 });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.filter((line) => displayWidth(line) > 80)).toEqual([]);
    expect(lines.length, stdout).toBeLessThanOrEqual(24);
    expect(stdout).toContain('\nExamples:\n  $ cachectl ');
  });

  test('has examples with options that their commands have', async () => {
    const { stdout } = await cli(['help', topic], { columns: 100 });
    const all = (await cli(['--help'])).stdout;
    for (const [, command = '', rest = ''] of stdout.matchAll(/^ {2}\$ cachectl ([a-z]+)(.*)$/gm)) {
      const { exitCode, stdout: help } = await cli(['help', command]);
      expect(exitCode, command).toBe(0);
      for (const flag of rest.match(/(?<= )--[a-z-]+/g) ?? []) expect(help + all).toContain(` ${flag} `);
    }
  });

  test('is listed by --help and by completion', async () => {
    expect((await cli(['--help'])).stdout).toMatch(new RegExp(`^Topics [^]*^  ${topic} +\\S`, 'm'));
    const { stdout } = await cli(['complete', '--', 'help', topic.slice(0, -1)]);
    expect(stdout).toContain(`word\t${topic}\t${summary}\n`);
  });
});

test('completion lists no topic behind another word', async () => {
  expect((await cli(['complete', '--', 'help', 'config', 'ma'])).stdout).toBe('');
  expect((await cli(['complete', '--', 'help', 'patterns', ''])).stdout).toBe('');
});

test.each([
  ['nope', ['help nope', 'nope --help', '--help nope', '-qh nope', '-q help nope']],
  ['stat', ['help stat', 'stat -h']],
  ['ls', ['help ls', 'ls --help', '-q ls --help']],
  ['config nope', ['help config nope', 'config nope --help', '-q help config nope']],
])('`%s` is the same usage error where its help is asked for', async (words, lines) => {
  const plain = await cli(words.split(' '));
  expect(plain).toMatchObject({ exitCode: 2, stdout: '' });
  for (const line of lines) expect(await cli(line.split(' ')), line).toEqual(plain);
});

test('an option in front of `help`, and a value that reads like a request for help, are no request', async () => {
  expect(await cli(['-q', 'help', 'patterns'])).toEqual(await cli(['help', 'patterns']));
  expect(await cli(['-q', 'help', 'config', 'init'])).toEqual(await cli(['config', 'init', '--help']));
  const { stderr } = await cli(['-uh', 'nope']);
  expect(stderr).toContain("error: unknown command 'nope'");
  const { stderr: unreachable } = await cli(['get', '-u', 'unix:///nowhere.sock', '--', '--help'], {});
  expect(unreachable).toContain('nowhere.sock');
});

test('a word that is like a topic is asked back', async () => {
  const { exitCode, stdout, stderr } = await cli(['help', 'pattern']);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toMatch(
    /^error: there is no topic `pattern`\nhint: did you mean `patterns`\? .*\bpatterns, map\b/,
  );
});
