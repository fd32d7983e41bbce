import { describe, expect, test } from 'vitest';
import { helpTopics } from '../../src/commands/help/topics.ts';
import { displayWidth } from '../../src/render/width.ts';
import { cli, jsonOf } from '../run-cli.ts';

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

test('an unknown topic names the commands and the topics', async () => {
  const { exitCode, stdout, stderr } = await cli(['help', 'nope']);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toMatch(
    /^error: there is no command and no topic `nope`\nhint: .*\bstats, watch\b.*\bpatterns, map\b/,
  );
  expect(stderr).not.toContain('complete,');
  const nested = await cli(['help', 'config', 'nope'], { env: { CACHECTL_OUTPUT: 'json' } });
  expect(jsonOf(nested)).toMatchObject({
    ok: false,
    error: {
      message: 'there is no command `config nope`',
      hint: expect.stringContaining('init, show') as string,
    },
  });
});
