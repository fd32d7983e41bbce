import type { Entity, Namespace, NamespaceMap } from '../keyspace/map.ts';
import { type KeyPattern, prefixOf } from '../keyspace/pattern.ts';
import { longestTtlSeconds } from '../keyspace/ttl.ts';
import { canOverlap } from './overlap.ts';

/** A namespace with data of the target under keys that the target cannot find. */
export interface Unreachable {
  readonly namespace: string;
  /** `copies`: the map says that data of the entity is there. `digests`: the pattern has text that no digest has. */
  readonly why: 'copies' | 'digests';
  /** Whether its keys go by themselves, and after how many seconds at most; null where the map does not say. */
  readonly expires: 'never' | { readonly withinSeconds: number } | null;
  /** True where the pattern could mean the namespace; it need not be told where other keys were found. */
  readonly perhaps: boolean;
}

/** The namespaces that hold data of an entity under hashed keys. */
export function hashedCopies(entity: Entity, map: NamespaceMap): Unreachable[] {
  return entity.hashedIn.map((name) => ({
    namespace: name,
    why: 'copies',
    expires: expiryOf(map.namespaces.find((each) => each.name === name)),
    perhaps: false,
  }));
}

/** The namespaces of hashed keys that a pattern reaches into by its prefix, and none of whose keys it can match. */
export function digestsBeyond(
  pattern: KeyPattern,
  map: NamespaceMap,
): { unreachable: Unreachable[]; futile: boolean } {
  const prefix = prefixOf(pattern);
  const unreachable = map.namespaces
    .filter(
      ({ hashed, patterns }) => hashed && !patterns.some((own) => canOverlap(pattern, own, map.delimiters)),
    )
    .filter(({ patterns }) =>
      patterns.some((own) => prefix.startsWith(prefixOf(own)) || prefixOf(own).startsWith(prefix)),
    )
    .map((namespace): Unreachable => ({
      namespace: namespace.name,
      why: 'digests',
      expires: expiryOf(namespace),
      perhaps: !namespace.patterns.some((own) => prefixOf(own) !== '' && prefix.startsWith(prefixOf(own))),
    }));
  return { unreachable, futile: unreachable.some(({ perhaps }) => !perhaps) };
}

function expiryOf(namespace: Namespace | undefined): Unreachable['expires'] {
  const rule = namespace?.ttl ?? null;
  if (rule === null) return null;
  const seconds = longestTtlSeconds(rule);
  return seconds === null ? 'never' : { withinSeconds: seconds };
}
