import { resolve } from 'node:path';
import { InputError } from '../../support/failure.ts';
import { meantText } from '../../support/similar.ts';
import type { RemovalMode } from '../../changes/apply.ts';
import { pruneIndexes } from '../../changes/index-members.ts';
import { savePlan } from '../../changes/plan-file.ts';
import { type InvalidationPlan, scopeOf } from '../../changes/plan.ts';
import type { Target } from '../../changes/selection.ts';
import { readTraffic } from '../../changes/traffic.ts';
import { mostBytesDigested, mostKeysDigested, readDigests } from '../../changes/written-since.ts';
import type { ByteString } from '../../support/bytes.ts';
import type { KeyConditions } from '../../redis/key-conditions.ts';
import type { RedisServer } from '../../redis/server.ts';
import { readServerTime } from '../../redis/server-time.ts';
import { shellWord } from '../../render/shell-word.ts';
import { counted } from '../../render/units.ts';
import { decideBackup, originOf, requireBackupPlace } from '../backup.ts';
import { type Context, type Execution, type Outcome } from '../context.ts';
import { warnOfEscapes } from '../escaped-key.ts';
import { exitCodes } from '../exit-codes.ts';
import { confirmReplacing, isProtectedServer } from '../protection.ts';
import { type CarryOutInput, removePlanned } from './carry-out.ts';
import { warnOfTouches } from '../keyspace-report.ts';
import {
  conditionsOf,
  conditionTexts,
  excludedBy,
  nameTest,
  selectionText,
  warnOfUnjudged,
} from '../key-selection.ts';
import { namesNear } from '../nothing-matched.ts';
import { paceLimitsOf } from '../reading-options.ts';
import { findKeys, selectByName, type InvalidateInput } from './find-keys.ts';
import { idsFrom, chooseTarget, targetOf } from './menu.ts';
import { draftOfPlan, type InvalidateResult } from './result.ts';
import { viewInvalidation } from './view.ts';
import { blankOf } from '../blank.ts';

export const blankInvalidation = blankOf<InvalidateResult>()(`
  outcome mode server dryRun matched matchedMemoryBytes keyspaceKeys removed shortened generationsRaised
  skipped gone rewritten failed notAttempted journal backup backupPlanned noUndoBecause replicasAcknowledged planFile
  indexPruned recentUse excluded mentioned limit complete risk stateKnown durationSeconds patterns[] ids[]
  namespaces[] excludedNamespaces[] mentionedNamespaces[] sample[] unreachable[] problems[] serverCost
`);

export function invalidateExecution(input: InvalidateInput): Execution<InvalidateResult> {
  return {
    blank: blankInvalidation,
    rows: 'namespaces',
    writes: input.dryRun !== true,
    run: (context) => invalidate(context, input),
    view: viewInvalidation,
  };
}

async function invalidate(context: Context, input: InvalidateInput): Promise<Outcome<InvalidateResult>> {
  const { map, signal } = context;
  requireBackupPlace(context, input, input.mode);
  if (input.mode === 'generation' && input.planOut !== undefined) {
    throw new InputError(
      '--mode generation has no plan to save: `apply` removes keys, and a counter must stay',
      'use --dry-run to see the counters',
    );
  }
  const over = windowOf(input);
  const named = targetOf(await withIdsOfFile(context, input));
  scopeOf(map, input.only ?? [], excludedBy(map, input.exclude));
  const conditions = conditionsOf(input);
  if (input.regex !== undefined) nameTest(input.regex);
  requireNoConditions(input, conditions);
  const target = named ?? (await chooseTarget(context));
  // What is wrong with the line is reported before a server is asked.
  selectByName(target, input, map);
  await confirmReplacing(context, input.planOut, input.force);
  const server = await context.connect();
  const { plan, selection, indexes } = await findKeys(context, server, target, input);
  const { keys, complete } = plan;
  const { patterns } = selection;
  const action = actionText(target, input.mode) + selectionText({ ...input, namespace: [] });
  warnOfUnjudged(context, plan.account.unjudgedKeys);
  const { limit = null, mode } = input;
  const isOverLimit = limit !== null && keys.length > limit;
  const planFile = complete && !isOverLimit && input.planOut !== undefined ? input.planOut : null;
  const hasKeys = complete && keys.length > 0;
  const recentUse = hasKeys ? await readTraffic(server, keys) : null;
  if (recentUse !== null && !signal.aborted) await warnOfTouches(context, server, 3600);
  const backup = hasKeys && !isOverLimit ? await decideBackup(context, server, input, mode, plan) : undefined;
  const draft = draftOfPlan(
    server,
    { plan, selection, target, backup },
    {
      ...{ limit, mode, planFile, recentUse, rewritten: 0 },
      dryRun: input.dryRun === true,
      stateKnown: !map.isEmpty,
    },
  );
  const ended = (outcome: InvalidateResult['outcome']) => ({ result: { ...draft, outcome } });
  if (!complete) return ended('interrupted');
  if (planFile !== null) {
    await writePlan(context, server, planFile, plan, {
      action,
      patterns,
      conditions,
      input: { ...input, over },
    });
    if (signal.aborted) return ended('interrupted');
  }
  if (keys.length === 0) {
    if (target.kind === 'namespace' && map.isEmpty && plan.excluded.length === 0) {
      context.warnOfResult(
        'without a map a namespace is a pattern as `cachectl inspect` infers it, such as `user:<id>:profile`',
      );
    }
    if (target.kind === 'entity' && map.entities.length === 0) warnOfLikeWord(context, target.name, draft);
    if (target.kind === 'entity' || target.kind === 'pattern')
      warnOfEscapes(context, target.kind === 'entity' ? target.ids : target.texts);
    if (target.kind === 'pattern' && plan.excluded.length === 0) {
      const near = await namesNear(context, server, target.texts);
      if (near !== '') context.warnOfResult(near.replace('; ', ''));
    }
    const isFutile = selection.futile === true && plan.excluded.length === 0;
    if (isFutile) return { ...ended('unreachable'), exitCode: exitCodes.negative };
    if (indexes !== null) {
      context.warnOfResult(
        'the index leads to no key: it is missing, or what it names is gone; --walk looks through the keyspace instead',
      );
    }
    // An index whose keys have all expired does no harm, and is cleaned where no question is left open.
    const isForReal = input.yes === true && input.dryRun !== true && planFile === null;
    const mayPrune = isForReal && !(await isProtectedServer(context, server));
    const { indexPruned, stoppedBy } = await pruneIndexes(server, mayPrune ? indexes : null);
    return {
      result: { ...draft, indexPruned, outcome: 'nothingMatched' },
      ...(stoppedBy && { error: stoppedBy }),
    };
  }
  if (isOverLimit) return { ...ended('overLimit'), exitCode: exitCodes.negative };
  if (input.dryRun || planFile !== null) return ended('planned');
  // What can be put back is to be found again: its members stay, and the next invalidation takes out what is gone.
  const tidied = mode === 'unlink' && !draft.backupPlanned ? indexes : null;
  return removePlanned(context, server, { ...input, over }, draft, {
    ...{ keys, action, patterns },
    tidyUp: () => pruneIndexes(server, tidied),
  });
}

/** Without a map any word is an entity: a word of the keys that contain the id may be what was meant. */
function warnOfLikeWord(context: Context, word: string, { mentionedNamespaces }: InvalidateResult): void {
  const words = mentionedNamespaces.flatMap(({ example }) => example.key.split(/[^\p{L}\p{N}]+/u));
  const meant = meantText(word, words);
  if (meant !== '') context.warnOfResult(`no key has \`${word}:<id>\` with this id: ${meant.trimEnd()}`);
}

/** A counter is one key by its name. @throws InputError */
function requireNoConditions({ mode, regex }: InvalidateInput, conditions: KeyConditions | undefined): void {
  if (mode !== 'generation' || (conditions === undefined && regex === undefined)) return;
  throw new InputError(
    '--mode generation increments a counter, and selects no keys by what they are like',
    'leave out --regex, --type, --size, --ttl, --idle and --elements, or --mode generation',
  );
}

const defaultWindowSeconds = 300;

/** The window of soft mode in seconds. @throws InputError for one that is none, or that no mode uses */
function windowOf({ mode, over }: InvalidateInput): number {
  if (over !== undefined && mode !== 'soft')
    throw new InputError('--over is the window of --mode soft, which is not given', 'add --mode soft');
  if (over === 0) throw new InputError('--over must be more than 0', 'a window of no time is --mode unlink');
  return over ?? defaultWindowSeconds;
}

async function withIdsOfFile(context: Context, input: InvalidateInput): Promise<InvalidateInput> {
  const { idsFrom: file, entity, ids } = input;
  if (file === undefined) return input;
  if (entity === undefined) {
    throw new InputError('--ids-from needs an entity', 'write `cachectl invalidate user --ids-from FILE`');
  }
  return { ...input, ids: [...ids, ...(await idsFrom(context, file))] };
}

async function writePlan(
  context: Context,
  server: RedisServer,
  name: string,
  { keys, namespaces, memoryBytes, keyspaceKeys }: InvalidationPlan,
  about: {
    readonly action: string;
    readonly patterns: readonly string[];
    readonly conditions: KeyConditions | undefined;
    readonly input: CarryOutInput;
  },
): Promise<void> {
  const { action, patterns, conditions, input } = about;
  const { signal, environment } = context;
  // Before the digests: what is written from now on is newer than the plan.
  const serverTimeMillis = await readServerTime(server);
  const isDigested =
    keys.length <= mostKeysDigested && memoryBytes !== null && memoryBytes <= mostBytesDigested;
  const digests = isDigested
    ? await readDigests(server, keys, { limits: paceLimitsOf(input), signal })
    : new Map<ByteString, string>();
  const mode = input.mode === 'soft' ? 'soft' : 'unlink';
  const saved = {
    ...({ ...originOf(context, server), action, mode, overSeconds: input.over, patterns } as const),
    ...(conditions && { selection: conditionTexts(conditions) }),
    ...{ namespaces, memoryBytes, keyspaceKeys, matched: keys.length, serverTimeMillis },
  };
  const path = resolve(environment.workingDirectory, name);
  await savePlan(path, name, saved, keys, { processes: environment.processes, signal }, digests);
}

const mostIdsShown = 5;

/** What was asked for, in words, for plans and journals. */
function actionText(target: Target, mode: RemovalMode): string {
  const how = mode === 'unlink' ? '' : ` (${mode})`;
  switch (target.kind) {
    case 'entity': {
      const ids = target.ids.slice(0, mostIdsShown).map(shellWord).join(' ');
      const more = target.ids.length - mostIdsShown;
      return `invalidate ${target.name} ${ids}${more > 0 ? ` and ${counted(more, 'more id')}` : ''}${how}`;
    }
    case 'pattern':
      return `invalidate ${target.texts.map((text) => `--pattern ${shellWord(text)}`).join(' ')}${how}`;
    case 'namespace':
      return `invalidate ${target.names.map((name) => `--namespace ${shellWord(name)}`).join(' ')}${how}`;
    case 'chosen':
      return `invalidate ${target.name}${how}`;
  }
}
