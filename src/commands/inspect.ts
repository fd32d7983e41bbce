import { InputError } from '../failure.ts';
import { analyzeKeyspace, type Analysis } from '../keyspace/analyze.ts';
import { keyFields } from '../keyspace/key-text.ts';
import type { NamespaceMap } from '../keyspace/map.ts';
import { unmappedName } from '../keyspace/namespace-tree.ts';
import { type Block, note } from '../render/blocks.ts';
import { countArgument, patternArgument } from './arguments.ts';
import type { Context, Outcome } from './context.ts';
import {
  costNotes,
  type NamespaceSummary,
  namespaceSummaryOf,
  type ServerCost,
  serverCostOf,
} from './keyspace-report.ts';
import { namespaceTable } from './namespace-table.ts';
import { type DefineCommand, examples } from './runner.ts';

interface InspectInput {
  readonly pattern: string | undefined;
  readonly depth: number | undefined;
  readonly namespace: string | undefined;
  readonly type: string | undefined;
  readonly top: number;
  readonly limit: number;
}

interface InspectResult {
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

export const defineInspect: DefineCommand = (program, run) => {
  program
    .command('inspect')
    .summary('namespaces by size, types, TTLs, and the largest keys')
    .description(
      'Walks the keyspace with SCAN and sums up by namespace: keys, bytes, types, TTLs, keys without TTL, the largest keys.\n' +
        'With a map its namespaces are the rows; without one they are inferred from the keys.',
    )
    .argument('[pattern]', 'only keys that match: * is anything, <name> one whole segment')
    .option('-d, --depth <levels>', 'levels of the tree (default: all; with a map 1)', countArgument(1))
    .option(
      '--namespace <name>',
      'only this namespace of the map, level by level; (unmapped) for keys outside the map',
    )
    .option('--type <type>', 'only keys of this Redis type')
    .option('--top <number>', 'how many of the largest keys to list', countArgument(0), 10)
    .option(
      '--limit <rows>',
      'most namespaces to list; the rest is summed up in (other)',
      countArgument(1),
      50,
    )
    .addHelpText(
      'after',
      examples(
        ['cachectl inspect', 'the whole keyspace'],
        ["cachectl inspect 'user:<id>:*' --top 5", 'one part of it'],
        ['cachectl inspect --namespace profile', 'one namespace, level by level'],
        ['cachectl inspect --output json | jq .namespaces', 'raw numbers'],
      ),
    )
    .action((pattern, options, self) => {
      const input: InspectInput = {
        pattern,
        depth: options.depth,
        namespace: options.namespace,
        type: options.type,
        top: options.top,
        limit: options.limit,
      };
      return run(self, {
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
        view,
      });
    });
};

async function inspect(context: Context, input: InspectInput): Promise<Analysis> {
  const { map } = context;
  const { namespace } = input;
  if (
    namespace !== undefined &&
    namespace !== unmappedName &&
    !map.namespaces.some(({ name }) => name === namespace)
  ) {
    throw new InputError(
      `the map has no namespace \`${namespace}\``,
      map.isEmpty
        ? 'there is no map; give a pattern instead'
        : `namespaces are: ${map.namespaces.map(({ name }) => name).join(', ')}`,
    );
  }
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
  };
}

function view(result: InspectResult): Block[] {
  const blocks: Block[] = [namespaceTable(result)];
  if (result.largestKeys.length > 0) {
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
    blocks.push(note('warning', 'the walk was interrupted: these figures cover a part of the keyspace'));
  return [...blocks, ...costNotes(result.serverCost)];
}
