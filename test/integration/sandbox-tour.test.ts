import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { cli } from '../run-cli.ts';
import { temporaryFolder } from '../server/own.ts';

test(
  'the tour runs its commands to the end, and leaves nothing in the state folder',
  { timeout: 180_000 },
  async () => {
    const state = temporaryFolder();
    const run = await cli(['sandbox', '--tour', '--keys', '500'], {
      env: { PATH: process.env['PATH'] ?? '', HOME: state, XDG_STATE_HOME: state },
      terminal: true,
    });
    expect(run.stderr).not.toContain('error:');
    expect(run.stdout).toContain('the tour is over; the sandbox goes, without a trace');
    expect(run.stdout).toMatch(/^next:\n +cachectl sandbox\n|next: `cachectl sandbox`/m);
    // One command may read several keys, so this is no rate of reads.
    expect(run.stdout).toMatch(/the server does fewer than 20,000 commands per second/);
    expect(readdirSync(state, { recursive: true })).toEqual([]);
  },
);
