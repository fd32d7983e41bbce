import { removeKeys } from '../../invalidation/apply.ts';
import { planInvalidation } from '../../invalidation/read-plan.ts';
import { scopeOf } from '../../invalidation/scope.ts';
import { selectKeys } from '../../invalidation/selection.ts';
import type { Block } from '../../render/blocks.ts';
import { counted } from '../../render/units.ts';
import { askConsent } from '../consent.ts';
import { type Context, DeclinedError, type Execution, InterruptedError, type Outcome } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { chooseTarget } from './menu.ts';
import { type InvalidateResult, plannedResult, removedResult } from './result.ts';
import { targetOf, type Ways } from './target.ts';
import { amountText, dataBlocks, fullBlocks, outcomeBlocks, planBlocks } from './view.ts';

interface InvalidateInput {
  readonly ways: Ways;
  readonly only: readonly string[];
  readonly exclude: readonly string[];
  readonly limit: number | null;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly confirm: string | undefined;
}

const blank: { readonly [Field in keyof InvalidateResult]: InvalidateResult[Field] | null } = {
  outcome: null,
  server: null,
  dryRun: null,
  matched: null,
  matchedBytes: null,
  keyspaceKeys: null,
  removed: null,
  gone: null,
  failed: null,
  notAttempted: null,
  excluded: null,
  limit: null,
  planComplete: null,
  risk: null,
  stateKnown: null,
  durationSeconds: null,
  patterns: [],
  namespaces: [],
  excludedNamespaces: [],
  sample: [],
  unreachable: [],
  problems: [],
  serverCost: null,
};

export function invalidateExecution(input: InvalidateInput): Execution<InvalidateResult> {
  const view = { blocks: fullBlocks };
  return {
    blank,
    rows: 'namespaces',
    writes: !input.dryRun,
    run: (context) => invalidate(context, input, view),
    view: (result) => view.blocks(result),
  };
}

async function invalidate(
  context: Context,
  input: InvalidateInput,
  view: { blocks: (result: InvalidateResult) => Block[] },
): Promise<Outcome<InvalidateResult>> {
  const { map, signal, progress, now } = context;
  if (context.output !== 'table') view.blocks = dataBlocks;
  const named = targetOf(input.ways);
  const scope = scopeOf(map, input.only, input.exclude);
  const target = named ?? (await chooseTarget(context));
  const selection = selectKeys(target, map);
  const server = await context.connect();
  const plan = await planInvalidation(server, selection, { scope, signal, progress, now });
  const planned = (outcome: InvalidateResult['outcome']) =>
    plannedResult(
      {
        target,
        selection,
        plan,
        serverAddress: server.address,
        stateKnown: !map.isEmpty,
        dryRun: input.dryRun,
        limit: input.limit,
      },
      outcome,
    );
  if (!plan.complete) return { result: planned('interrupted') };
  if (plan.keys.length === 0) {
    if (target.kind === 'namespace' && map.isEmpty && plan.excluded.length === 0) {
      context.warn(
        'without a map a namespace is a pattern as `cachectl inspect` infers it, such as `user:<id>:profile`',
      );
    }
    const isFutile = selection.futile && plan.excluded.length === 0;
    return isFutile
      ? { result: planned('unreachable'), exitCode: exitCodes.negative }
      : { result: planned('nothingMatched') };
  }
  if (input.limit !== null && plan.keys.length > input.limit) {
    if (context.output !== 'table') {
      context.warn(
        `${counted(plan.keys.length, 'key matches', 'keys match')}, more than --limit ${input.limit.toLocaleString('en-US')} allows: nothing was removed`,
      );
    }
    return { result: planned('overLimit'), exitCode: exitCodes.negative };
  }
  if (input.dryRun) return { result: planned('planned') };

  const draft = planned('declined');
  try {
    const shown = await askConsent(context, {
      plan: planBlocks(draft),
      action: `remove ${amountText(draft)}`,
      question: `Remove ${amountText(draft)} from ${server.address}?`,
      otherwise: 'nothing was removed',
      yes: input.yes,
      confirm: input.confirm,
    });
    if (shown && context.output === 'table') view.blocks = outcomeBlocks;
  } catch (error) {
    if (!(error instanceof DeclinedError || error instanceof InterruptedError)) throw error;
    if (context.prompts.interactive && context.output === 'table') view.blocks = () => [];
    return { result: error instanceof InterruptedError ? planned('interrupted') : draft, error };
  }
  const removal = await removeKeys(server, plan.keys, { signal, progress, now });
  return {
    result: removedResult(draft, removal, signal.aborted),
    ...(removal.failed > 0 && { exitCode: exitCodes.negative }),
    ...(removal.stoppedBy !== null && { error: removal.stoppedBy }),
  };
}
