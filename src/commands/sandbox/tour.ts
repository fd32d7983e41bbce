import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Block, note } from '../../render/blocks.ts';
import { shellWord } from '../../render/shell-word.ts';
import { counted } from '../../render/units.ts';
import { systemFileOf } from '../../sandbox/family.ts';
import type { Context } from '../context.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import type { SandboxResult } from './result.ts';

interface Step {
  readonly why: string;
  readonly argv: readonly string[];
  /** The last words of the command line as shown, where the real one has a path of this machine in it. */
  readonly shown?: readonly string[];
  /** With the traffic of the application, and a fault in it. */
  readonly withTraffic?: true;
}

/** Starts traffic, and resolves with what ends it when it has settled. */
export type StartTraffic = () => Promise<() => Promise<void>>;

/** Walks through the main job: each command is shown, then run on the sandbox. Gives the first exit code that is no success. */
export async function walkThrough(
  context: Context,
  sandbox: SandboxResult,
  variables: Readonly<Record<string, string>>,
  startTraffic: StartTraffic,
): Promise<ExitCode> {
  await context.print([
    {
      kind: 'text',
      name: 'welcome',
      title: 'A tour of cachectl',
      text: `${counted(sandbox.keys, 'key')} of the example \`${sandbox.system}\` on a throw-away ${sandbox.product} at ${sandbox.url}, with its map in examples/${sandbox.system}.\n`,
    },
  ]);
  const folder = mkdtempSync(join(tmpdir(), 'cachectl-tour-'));
  try {
    // What the commands remember of a server ends with it.
    const own = { ...variables, XDG_STATE_HOME: folder };
    return await takeSteps(context, stepsOf(sandbox, folder), own, startTraffic);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function takeSteps(
  context: Context,
  steps: readonly Step[],
  variables: Readonly<Record<string, string>>,
  startTraffic: StartTraffic,
): Promise<ExitCode> {
  const say = async (...blocks: Block[]) => {
    await context.write('\n');
    await context.print(blocks);
  };
  let worst: ExitCode = exitCodes.success;
  for (const [index, { why, argv, shown, withTraffic }] of steps.entries()) {
    if (context.signal.aborted) break;
    const text = `$ cachectl ${(shown ?? argv).map(shellWord).join(' ')}\n`;
    await say({ kind: 'text', name: 'step', title: `${index + 1}. ${why}`, text });
    await context.write('\n');
    const endTraffic = withTraffic ? await startTraffic() : undefined;
    const exitCode = await context.runCommand(['--output', 'table', ...argv], variables);
    await endTraffic?.();
    if (worst === exitCodes.success) worst = exitCode;
  }
  const { program } = context.environment;
  if (context.signal.aborted) await say(note('plain', 'the tour was interrupted; the sandbox is removed'));
  else
    await say(
      note('good', 'the tour is over; the sandbox goes, without a trace'),
      note(
        'plain',
        `next: \`${program} sandbox\` keeps one running; \`${program} --url redis://… stats\` looks at yours`,
      ),
    );
  return worst;
}

/** @param folder for what the steps write */
function stepsOf(sandbox: SandboxResult, folder: string): Step[] {
  const { entity } = systemFileOf(sandbox.system);
  const journalName = `${entity.join('-')}.journal`;
  const journal = join(folder, journalName);
  const fixtures = join(sandbox.config, '..', 'fixtures.ndjson');
  return [
    { why: 'Does this cache earn its memory?', argv: ['stats'] },
    { why: 'What is in it? Namespaces, sizes, TTLs, the largest keys', argv: ['inspect', '--top', '5'] },
    {
      why: 'Who misses, and why? With traffic now, and a namespace whose TTL is far too short',
      argv: ['hits', '--for', '3s', '--limit', '8', '--keys', '3'],
      withTraffic: true,
    },
    {
      why: 'Load fixtures, with the TTL that the map has for each',
      argv: ['warm', fixtures],
      shown: ['warm', `examples/${sandbox.system}/fixtures.ndjson`],
    },
    {
      why: `What would go if ${entity.join(' ')} were invalidated? Nothing is changed`,
      argv: ['invalidate', ...entity, '--dry-run'],
    },
    {
      why: 'Now for real: whole segments only, state left alone, and a backup of what goes',
      argv: ['invalidate', ...entity, '--yes', '--backup', '--journal', journal],
      shown: ['invalidate', ...entity, '--yes', '--backup', '--journal', journalName],
    },
    {
      why: 'That was a mistake? Back it comes, with the time to live it would have left',
      argv: ['undo', journal, '--yes'],
      shown: ['undo', journalName, '--yes'],
    },
    { why: 'How fast is it?', argv: ['bench', '--duration', '1s'] },
    { why: 'Is it fit for service? The exit code says so to a pipeline', argv: ['check'] },
  ];
}
