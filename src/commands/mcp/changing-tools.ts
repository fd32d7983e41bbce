import { realpathSync, statSync } from 'node:fs';
import { basename, join, resolve, sep } from 'node:path';
import * as z from 'zod';
import { journalFolder } from '../../changes/journal.ts';
import { given } from '../../support/collections.ts';
import { fileFailureText, InputError } from '../../support/failure.ts';
import { type Context, DeclinedError, type Execution } from '../context.ts';
import { answerOf, refusal, type Report } from './answer.ts';
import type { Plans } from './plans.ts';
import { conditions, conditionsOf, exclude, flagOf, namespaces, patterns } from './reading-tools.ts';
import type { Session } from './session.ts';

/** What an agent may change. */
export interface Limits {
  readonly allowWrites?: true;
  /** Of a plan, and records of fixtures. */
  readonly maxKeys: number;
  /** A folder; none: no fixtures are loaded. */
  readonly fixtures?: string;
}

const narrower = 'the plan covers all keys, also those not shown';

/** Adds the plan of an invalidation, which changes nothing. */
export function addPlan(session: Session, plans: Plans, { allowWrites, maxKeys }: Limits): void {
  session.add({
    name: 'plan_invalidation',
    title: 'What an invalidation would remove',
    description:
      'Finds the keys of an entity and its ids, of patterns or of namespaces: how many, their memory, a sample, and what stays and why ' +
      '(`excludedNamespaces`, `mentionedNamespaces`). Changes nothing.' +
      (allowWrites ? ` apply_plan carries the plan out, of up to ${maxKeys} keys.` : ''),
    input: {
      entity: z.string().min(1).max(200).optional().describe('such as user; with ids'),
      ids: z.array(z.string().min(1).max(1000)).min(1).max(1000).optional().describe('ids of the entity'),
      ...{ patterns, namespaces, exclude, ...conditions },
      mode: z
        .enum(['unlink', 'soft'])
        .optional()
        .describe('unlink removes at once (the default), soft lets expire over a window'),
      overSeconds: z.int().min(1).max(86_400).optional().describe('window of mode soft (default: 300)'),
    },
    answer: async (call, run, profile) => {
      const { entity, ids = [], patterns, namespaces, exclude, mode = 'unlink', overSeconds, ...rest } = call;
      if ((entity ?? patterns ?? namespaces) === undefined)
        throw new InputError('name an entity with ids, patterns, or namespaces');
      const { invalidateExecution } = await import('../invalidate/run.ts');
      const file = allowWrites ? plans.nextFile() : undefined;
      const input = {
        ...({ entity, ids, mode, dryRun: true } as const),
        ...conditionsOf(rest),
        ...given({ pattern: patterns, namespace: namespaces, exclude, over: overSeconds, planOut: file }),
        ...(allowWrites && { limit: maxKeys }),
      };
      const report = await run('invalidate', invalidateExecution(input));
      const isSaved = file !== undefined && report.fields['planFile'] === file && report.error === null;
      const remarks = isSaved ? { planId: await plans.add({ file, mode, profile: profile ?? null }) } : {};
      return answerOf({ ...report, fields: { ...report.fields, planFile: null } }, remarks, narrower);
    },
  });
}

/** Adds the tools that change a cache. @throws InputError where the folder of fixtures is none */
export function addChangingTools(session: Session, plans: Plans, context: Context, limits: Limits): void {
  addApply(session, plans);
  addUndo(session, context);
  if (limits.fixtures !== undefined) addWarm(session, context, limits.fixtures, limits.maxKeys);
}

function addApply(session: Session, plans: Plans): void {
  session.add({
    name: 'apply_plan',
    title: 'Carry out a plan',
    description:
      'Removes the keys of a plan that plan_invalidation made in this session within the last 15 minutes. What was written since stays. ' +
      'Values are kept in a journal, so that undo puts them back. Show the plan to the person first.',
    input: {
      planId: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .describe('of plan_invalidation'),
    },
    writes: { destructiveHint: true, idempotentHint: true },
    hasProfile: false,
    answer: async ({ planId }, run) => {
      const { file, mode, profile } = await plans.find(planId);
      const { applyExecution } = await import('../apply/run.ts');
      // Whatever the profile says of backups, an agent leaves a way back.
      const kept = mode === 'unlink' ? { backup: true } : {};
      const execution = applyExecution({ plan: file, tolerance: 0.05, yes: true, ...kept });
      const report = await run('apply', unprotected(execution), profile);
      return answerOf(report, journalOf(report), narrower);
    },
  });
}

const journalOf = ({ fields: { journal } }: Report) =>
  typeof journal === 'string' ? { journalId: basename(journal) } : {};

function addUndo(session: Session, context: Context): void {
  session.add({
    name: 'journals',
    title: 'What can be undone',
    description:
      'The journals of earlier changes of this user, the latest first. The name of its file is the id of a journal.',
    input: {},
    answer: async (_call, run) => {
      const { listExecution } = await import('../undo/list.ts');
      return answerOf(await run('undo', listExecution({})), {}, 'the latest are shown');
    },
  });
  session.add({
    name: 'undo',
    title: 'Put back what a change removed',
    description:
      'Puts back values and times to live from a journal. A key that was written again since keeps what it has; running it twice is harmless.',
    input: {
      journalId: z
        .string()
        .regex(/^[\w-]+\.journal$/)
        .describe('of apply_plan or journals'),
      dryRun: z.boolean().optional().describe('true: only what would come back'),
    },
    writes: { destructiveHint: false, idempotentHint: true },
    answer: async ({ journalId, dryRun }, run) => {
      const folder = journalFolder(context.environment.variables);
      if (folder === null) throw new InputError('there is no folder of journals: HOME is not set');
      const { undoExecution } = await import('../undo/run.ts');
      const journal = join(folder, journalId);
      const execution = undoExecution({ journal, yes: true, ...given({ dryRun: flagOf(dryRun) }) });
      return answerOf(await run('undo', unprotected(execution)), {}, narrower);
    },
  });
}

function addWarm(session: Session, context: Context, fixtures: string, maxKeys: number): void {
  const folder = folderOf(context, fixtures);
  session.add({
    name: 'warm',
    title: 'Load fixtures',
    description: `Writes the records of files from the folder of fixtures, up to ${maxKeys}, to keys that are not there; no key is replaced.`,
    input: {
      files: z.array(z.string().min(1).max(500)).min(1).max(20).describe('names within the folder'),
      ttlSeconds: z
        .int()
        .min(1)
        .optional()
        .describe('TTL of records to which neither they nor the map give one'),
      dryRun: z.boolean().optional().describe('true: check the files, and write nothing'),
    },
    writes: { destructiveHint: false, idempotentHint: true },
    answer: async ({ files, ttlSeconds, dryRun }, run) => {
      const { warmExecution } = await import('../warm/run.ts');
      const input = {
        files: files.map((name) => fileIn(folder, name)),
        ...({ onlyMissing: true, onError: 'skip', concurrency: 1 } as const),
        ...given({ ttl: ttlSeconds }),
      };
      const check = await run('warm', warmExecution({ ...input, dryRun: true }));
      if (check.error !== null || dryRun === true) return answerOf(check, {}, narrower);
      const obstacle = obstacleTo(check, maxKeys);
      if (obstacle !== null) return refusal(`${obstacle}; nothing was written`);
      return answerOf(await run('warm', unprotected(warmExecution(input))), {}, narrower);
    },
  });
}

/** Why records are not written, by what the check of their files found; null: they may be. */
function obstacleTo({ fields }: Report, maxKeys: number): string | null {
  const records = Number(fields['records']);
  if (records > maxKeys) return `the files have ${records} records, and --max-keys is ${maxKeys}`;
  const ofState = Number(fields['ofState']);
  return ofState === 0 ? null : `${ofState} of the records are of namespaces that the map calls state`;
}

function folderOf({ environment }: Context, fixtures: string): string {
  try {
    const folder = realpathSync(resolve(environment.workingDirectory, fixtures));
    if (statSync(folder).isDirectory()) return folder;
  } catch (error) {
    throw new InputError(`--fixtures \`${fixtures}\` cannot be read: ${fileFailureText(error)}`);
  }
  throw new InputError(`--fixtures \`${fixtures}\` is no folder`);
}

/** The file, where it is in the folder also after all links. @throws InputError */
function fileIn(folder: string, name: string): string {
  try {
    const file = realpathSync(resolve(folder, name));
    if (file.startsWith(folder + sep) && statSync(file).isFile()) return file;
  } catch (error) {
    throw new InputError(`\`${name}\` cannot be read: ${fileFailureText(error)}`);
  }
  throw new InputError(`\`${name}\` is no file in the folder of fixtures`);
}

/** The same for a server that no profile protects: what a person has to confirm by name, an agent does not do. */
function unprotected<Result extends object>(execution: Execution<Result>): Execution<Result> {
  return {
    ...execution,
    run: async (context) => {
      const by = (await context.protectionsOf(await context.connect()))?.protectedBy ?? null;
      if (by === null) return execution.run(context);
      throw new DeclinedError(
        `the server is protected by profile \`${by.name}\`, and an agent changes nothing on it`,
        'a person can, with cachectl at a terminal',
      );
    },
  };
}
