import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { StatsResult } from '../../src/commands/stats/result.ts';
import { processFacts } from '../../src/cli/process-facts.ts';
import { newNotePath, writeNote } from '../../src/traffic/notifications/note.ts';
import { cli, type CliResult } from '../run-cli.ts';
import { sendAll } from '../server/redis.ts';
import { until } from '../server/until.ts';
import { startServer, temporaryFolder } from '../server/own.ts';

const { redis, server } = await startServer();
const folder = temporaryFolder();
beforeAll(async () => {
  await sendAll(server, [
    ...Array.from({ length: 3000 }, (_, index) => [
      'SET',
      `page:${index}`,
      'x'.repeat(index % 90),
      'EX',
      86_400,
    ]),
    ...Array.from({ length: 10 }, (_, index) => ['SET', `user:${index}`, 'y']),
  ]);
});

const run = (line: string, signal?: AbortSignal) =>
  cli(line.split(' '), {
    // A walk saves its state by the clock; the growth since a snapshot is by the second.
    ...(signal ? { signal } : { now: () => 1_800_000_000_000 }),
    url: redis.url,
    cwd: folder,
    env: { XDG_STATE_HOME: join(folder, 'state') },
  });

const onlyFileIn = (name: string) => {
  const path = join(folder, 'state', 'cachectl', name);
  return join(path, readdirSync(path).find((each) => each.endsWith('.json')) ?? '');
};

interface KeptFile {
  readonly name: string;
  /** Writes the file, and gives its path. */
  readonly make: () => Promise<string>;
  readonly read: string;
  /** What the file decides of the result, as text; the whole of stdout without. */
  readonly figures?: (result: CliResult) => unknown;
  /** As the program names the file where it ignores it. */
  readonly ignoredAs?: RegExp;
}

const made =
  (name: string, line: string, isPrinted = false) =>
  async () => {
    const outcome = await run(line);
    expect(outcome.stderr).not.toContain('error:');
    if (isPrinted) writeFileSync(join(folder, name), outcome.stdout);
    return join(folder, name);
  };
const fieldsOf =
  (...names: readonly string[]) =>
  ({ stdout }: CliResult): unknown => {
    const result = JSON.parse(stdout) as Readonly<Record<string, unknown>>;
    return names.map((name) => result[name]);
  };

const files: readonly KeptFile[] = [
  {
    name: 'a checkpoint',
    make: async () => {
      const path = join(folder, 'walk.json');
      const interruption = new AbortController();
      const walk = run('inspect --exact --checkpoint walk.json --max-rate 2000', interruption.signal);
      await until('the walk is saved', () => existsSync(path));
      interruption.abort('SIGINT');
      await walk;
      return path;
    },
    read: 'inspect --exact --resume walk.json -o json',
    figures: fieldsOf('keys', 'memoryBytes', 'withoutTtl'),
  },
  {
    name: 'a snapshot',
    make: made('old.json', 'inspect --exact --save old.json'),
    read: 'inspect --exact --since old.json -o json',
    figures: fieldsOf('growth'),
  },
  {
    name: 'a plan',
    make: made('plan.json', 'invalidate --pattern user:* --plan-out plan.json'),
    read: 'apply plan.json --dry-run -o json',
    figures: fieldsOf('plan', 'keys', 'applied'),
  },
  {
    name: 'a journal',
    make: made('removed.journal', 'invalidate --pattern user:* --backup --journal removed.journal --yes'),
    read: 'undo removed.journal --dry-run -o json',
    figures: fieldsOf('keys', 'restored'),
    ignoredAs: /"journalTruncated": ?true|"reason": ?"[^"]*damaged/,
  },
  {
    name: 'a history of hits',
    make: made('history.ndjson', 'hits --for 50ms --mode counters --record history.ndjson'),
    read: 'hits --for 50ms --mode counters --compare history.ndjson -o json',
    figures: fieldsOf('comparison'),
  },
  {
    name: 'a baseline of bench',
    make: made('base.json', 'bench get --keys 5 --operations 5 --warmup 0s --connections 1 -o json', true),
    read: 'bench get --keys 5 --operations 5 --warmup 0s --connections 1 --baseline base.json -o json',
    figures: () => null,
  },
  {
    name: 'the record of own lookups',
    make: async () => {
      await run('inspect --exact');
      return onlyFileIn('lookups');
    },
    read: 'stats -o json',
    figures: ({ stdout }) => {
      const { ledgerDamage, lifetime } = JSON.parse(stdout) as StatsResult;
      return [ledgerDamage, lifetime?.dataReads];
    },
    ignoredAs: /lookups\/\w+\.json` (is damaged|cannot be read)/,
  },
  {
    name: 'a note of what to put back',
    make: async () => {
      const state = join(folder, 'state', 'cachectl', 'notifications');
      const path = newNotePath(state, '127.0.0.1:1', 1);
      const note = {
        address: '127.0.0.1:1',
        runId: 'x',
        original: 'KEx',
        values: ['KExm'],
        holder: null,
        at: new Date(0).toISOString(),
      };
      await run('hits --for 50ms');
      writeNote({ path, note }, processFacts());
      return path;
    },
    read: 'hits --restore -o json',
    figures: fieldsOf('notifications'),
    ignoredAs: /"path":"[^"]+notifications/,
  },
  {
    name: 'the trust in a map',
    make: async () => {
      const profiles = { here: { url: redis.url } };
      writeFileSync(join(folder, 'cachectl.config.json'), JSON.stringify({ profiles }));
      await run('config trust cachectl.config.json');
      return onlyFileIn('trusted-maps');
    },
    read: 'keys --profile here',
    ignoredAs: /cachectl.config.json` was found here and is not trusted/,
  },
];

const nested = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;

/** What may become of a file: its name and its bytes. */
function damages(text: string): (readonly [string, string])[] {
  const digits = [...text.matchAll(/\d/g)].map(({ index }) => index);
  const flipped = Array.from({ length: 12 }, (_, index) => {
    const at = digits[Math.floor((index * digits.length) / 12)] ?? 0;
    return [
      `another digit at ${at}`,
      `${text.slice(0, at)}${(Number(text[at]) + 1) % 10}${text.slice(at + 1)}`,
    ] as const;
  });
  const opened = text.indexOf('{') + 1;
  return [
    ['empty', ''],
    ['cut in half', text.slice(0, text.length / 2)],
    ['without its last bytes', text.slice(0, -5)],
    ...['null', '7', '"text"', '[]', '{}', '[{}]'].map((json) => [json, json] as const),
    ['200,000 brackets', nested],
    ['200,000 open brackets', '['.repeat(200_000)],
    ['200,000 brackets in it', `${text.slice(0, opened)}"deep":${nested},${text.slice(opened)}`],
    ['the name __proto__ in it', `${text.slice(0, opened)}"__proto__":{"keys":1},${text.slice(opened)}`],
    ['every object an array', text.replaceAll('{', '[').replaceAll('}', ']')],
    ['bytes of no text', '\0\xff\xfe'],
    ...flipped,
  ];
}

describe.each(files)('$name', ({ make, read, figures = ({ stdout }) => stdout, ignoredAs }) => {
  test('that is damaged is named, and gives no other figures', async () => {
    const path = await make();
    const text = readFileSync(path, 'latin1');
    const name = path.slice(folder.length + 1);
    const whole = await run(read);
    expect(whole.stderr).not.toContain(name);
    const expected = JSON.stringify(figures(whole));
    const faults: string[] = [];
    for (const [damage, bytes] of damages(text)) {
      writeFileSync(path, bytes, 'latin1');
      const result = await run(read);
      const isNamed =
        ([1, 2].includes(result.exitCode) && result.stderr.includes(name)) ||
        ignoredAs?.test(result.stdout + result.stderr) === true;
      const isSame = result.exitCode === 0 && JSON.stringify(figures(result)) === expected;
      if (!isNamed && !isSame)
        faults.push(
          `${damage}: exit ${result.exitCode} ${result.stderr.slice(0, 300)} ${JSON.stringify(figures(result)).slice(0, 200)}`,
        );
    }
    rmSync(path, { force: true });
    expect(faults).toEqual([]);
  });
});
