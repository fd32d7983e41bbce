import { analyzeKeyspace, type Analysis } from '../../keyspace/analyze.ts';
import { keyFields } from '../../keyspace/key-text.ts';
import type { NamespaceMap } from '../../keyspace/map.ts';
import { type Block, note } from '../../render/blocks.ts';
import { patternArgument } from '../arguments.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { requireNamespace } from '../namespace-filter.ts';
import {
  costNotes,
  type NamespaceSummary,
  namespaceSummaryOf,
  type ServerCost,
  serverCostOf,
} from '../keyspace-report.ts';
import { namespaceTable } from './namespace-table.ts';

export interface InspectInput {
  readonly pattern: string | undefined;
  readonly depth: number | undefined;
  readonly namespace: string | undefined;
  readonly type: string | undefined;
  readonly top: number;
  readonly limit: number;
}

export interface InspectResult {
  /** Every key was read: no sample, and the walk came to its end. */
  readonly exact: boolean;
  readonly keys: number;
  readonly memoryBytes: number | null;
  readonly withoutTtl: number | null;
  readonly namespaces: readonly NamespaceSummary[];
  readonly largestKeys: readonly {
    readonly key: string;
    readonly keyBase64?: string;
    readonly memoryBytes: number;
    readonly type: string | null;
  }[];
  readonly serverCost: ServerCost;
}

/** `inspect` from its input to its result. */
export function inspectExecution(input: InspectInput): Execution<InspectResult> {
  return {
    blank: {
      exact: null,
      keys: null,
      memoryBytes: null,
      withoutTtl: null,
      namespaces: [],
      largestKeys: [],
      serverCost: null,
    },
    rows: 'namespaces',
    run: async (context) => outcomeOf(await inspect(context, input), input, context.map),
    view: (result) => view(result, input.top),
  };
}

async function inspect(context: Context, input: InspectInput): Promise<Analysis> {
  const { map } = context;
  const { namespace } = input;
  requireNamespace(map, namespace);
  const pattern = input.pattern === undefined ? undefined : patternArgument(input.pattern);
  const defaultDepth = map.isEmpty || namespace !== undefined ? Number.POSITIVE_INFINITY : 1;
  return analyzeKeyspace(await context.connect(), {
    map,
    depth: input.depth ?? defaultDepth,
    columns: { memory: true, type: true, ttl: true },
    ...(pattern !== undefined && { pattern }),
    ...(namespace !== undefined && { namespace }),
    ...(input.type !== undefined && { type: input.type }),
    top: input.top,
    signal: context.signal,
    progress: context.progress,
    now: context.now,
  });
}

function outcomeOf(analysis: Analysis, input: InspectInput, map: NamespaceMap): Outcome<InspectResult> {
  const { tree, account } = analysis;
  const refused = new Set(account.refusedColumns.map(({ column }) => column));
  return {
    result: {
      exact: account.complete,
      keys: tree.total.keys,
      memoryBytes: refused.has('memory') ? null : tree.total.memoryBytes,
      withoutTtl: refused.has('ttl') ? null : tree.total.withoutTtl,
      namespaces: tree.rows(input.limit).map((row) => namespaceSummaryOf(row, tree.total, map, refused)),
      largestKeys: analysis.largest.map(({ key, memoryBytes, type }) => ({
        ...keyFields(key),
        memoryBytes,
        type,
      })),
      serverCost: serverCostOf(analysis),
    },
    ...(analysis.failure && { error: analysis.failure }),
  };
}

function view(result: InspectResult, top: number): Block[] {
  const blocks: Block[] = [namespaceTable(result)];
  // Also where it is empty: lines in a pipe begin with the name of their table wherever there are two.
  if (top > 0) {
    blocks.push({
      kind: 'table',
      name: 'largestKeys',
      title: 'Largest keys',
      columns: [
        { name: 'key', header: 'KEY', unit: 'text' },
        { name: 'memoryBytes', header: 'MEMORY', unit: 'bytes' },
        { name: 'type', header: 'TYPE', unit: 'text' },
      ],
      rows: result.largestKeys.map((row) => [row.key, row.memoryBytes, row.type]),
    });
  }
  if (!result.exact)
    blocks.push(note('warning', 'the walk ended early: these figures cover a part of the keys'));
  return [...blocks, ...costNotes(result.serverCost)];
}
