import { selectGenerations } from '../../changes/selection.ts';
import { indexedEntity, type KeyIndex, readIndexes } from '../../changes/index-members.ts';
import { MentionTally } from '../../changes/mentions.ts';
import { type InferredNames, learnNames } from '../../changes/inferred-names.ts';
import { type InvalidationPlan, planInvalidation, scopeOf } from '../../changes/plan.ts';
import { type ChosenTarget, type Selection, selectKeys, type Target } from '../../changes/selection.ts';
import { possibleDelimiters, usesColons } from '../../keyspace/delimiters.ts';
import type { NamespaceMap } from '../../keyspace/map.ts';
import type { RedisServer } from '../../redis/server.ts';
import type { Context } from '../context.ts';
import type { RemovalMode } from '../../changes/apply.ts';
import type { ChangeInput } from '../backup.ts';
import { given } from '../../support/collections.ts';
import { conditionsOf, excludedBy, nameTest, type SelectionInput } from '../key-selection.ts';
import { paceLimitsOf } from '../reading-options.ts';

interface FoundKeys {
  readonly plan: InvalidationPlan;
  readonly selection: Selection;
  /** Through which the keys were found; null where they were looked for by name. */
  readonly indexes: readonly KeyIndex[] | null;
}

/** @throws InputError where the target cannot be used */
export function selectByName(
  target: Target,
  { mode }: InvalidateInput,
  map: NamespaceMap,
  inferred?: InferredNames,
): Selection {
  return mode === 'generation' ? selectGenerations(target, map) : selectKeys(target, map, inferred);
}

/**
 * Looks for the keys of a target. Without a map segments are those between colons; where that finds nothing, and the keys that
 * contain an id have hardly any, they are those between the character that finds most of these. @throws RedisError, InputError
 */
export async function findKeys(
  context: Context,
  server: RedisServer,
  target: Target,
  input: InvalidateInput,
  map: NamespaceMap = context.map,
): Promise<FoundKeys> {
  const { signal, progress, now } = context;
  const isGeneration = input.mode === 'generation';
  const ids = target.kind === 'entity' && !isGeneration ? target.ids : [];
  const { only = [], exclude = [], regex } = input;
  const conditions = isGeneration ? undefined : conditionsOf(input);
  const limits = paceLimitsOf(input);
  const names = [...(target.kind === 'namespace' ? target.names : []), ...only, ...exclude];
  const inferred = map.isEmpty
    ? await learnNames(server, map, names, { limits, signal, progress })
    : undefined;
  const entity = input.walk || isGeneration ? null : indexedEntity(target, map);
  const { selection, indexes } =
    entity === null
      ? { selection: selectByName(target, input, map, inferred), indexes: null }
      : await readIndexes(server, entity, ids, signal);
  const mentions =
    target.kind === 'entity' && ids.length > 0 && indexes === null
      ? new MentionTally(target.name, ids, map)
      : undefined;
  const plan = await planInvalidation(server, selection, {
    ...{ map, limits, signal, progress, now, absent: isGeneration },
    ...given({ mentions, conditions, namedSo: regex && !isGeneration ? nameTest(regex) : undefined }),
    // A counter is no data that could be lost.
    scope: isGeneration
      ? () => ({ namespace: 'generation', stays: null })
      : scopeOf(map, only, excludedBy(map, exclude), inferred),
  });
  const isEmpty = plan.complete && plan.keys.length + plan.excluded.length === 0;
  const delimiter =
    isEmpty && map.isEmpty && map === context.map && mentions
      ? delimiterOf(target, mentions.examples, map)
      : null;
  return delimiter === null
    ? { plan, selection, indexes }
    : findKeys(context, server, target, input, { ...map, delimiters: [delimiter] });
}

function delimiterOf(target: Target, examples: MentionTally['examples'], map: NamespaceMap): string | null {
  if (usesColons(examples)) return null;
  const [best] = possibleDelimiters
    .map((delimiter) => {
      const { walk } = selectKeys(target, { ...map, delimiters: [delimiter] });
      return { delimiter, keys: examples.filter((key) => walk?.matches(key)).length };
    })
    .sort((left, right) => right.keys - left.keys);
  return best !== undefined && best.keys > 0 ? best.delimiter : null;
}

export interface InvalidateInput extends ChangeInput, Omit<SelectionInput, 'match'> {
  readonly entity: string | undefined;
  readonly ids: readonly string[];
  readonly pattern?: readonly string[];
  /** In place of all other names. */
  readonly chosen?: ChosenTarget;
  /** A pattern may match everything. */
  readonly all?: true;
  /** A file. */
  readonly idsFrom?: string;
  readonly only?: readonly string[];
  readonly mode: RemovalMode;
  /** The window of soft mode, in seconds. */
  readonly over?: number;
  /** Look through the keyspace although the map names an index. */
  readonly walk?: true;
  readonly limit?: number;
  /** A file. */
  readonly planOut?: string;
  /** Replace the file of the plan. */
  readonly force?: true;
}
