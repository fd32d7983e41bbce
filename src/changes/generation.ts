import { InputError } from '../support/failure.ts';
import type { NamespaceMap } from '../keyspace/map.ts';
import { bindPlaceholder, exactKeyOf, type KeyPattern } from '../keyspace/pattern.ts';
import { type KeyChange, outcomeOf } from './change-keys.ts';
import { idPlaceholder } from './id-matcher.ts';
import { isState, type Selection, type Target } from './selection.ts';

/**
 * The counters that are a part of the keys of a target: once they are incremented no reader finds the old keys, which
 * expire by themselves. @throws InputError where the map names none, and for state
 */
export function selectGenerations(target: Target, map: NamespaceMap): Selection {
  const patterns = generationsOf(target, map);
  return {
    patterns: patterns.map(({ text }) => text),
    exactKeys: patterns.flatMap((pattern) => exactKeyOf(pattern) ?? []),
    walk: null,
    unreachable: [],
    futile: false,
  };
}

function generationsOf(target: Target, map: NamespaceMap): KeyPattern[] {
  switch (target.kind) {
    case 'entity': {
      const generation = map.entities.find(({ name }) => name === target.name)?.generation ?? null;
      if (generation === null) throw noGeneration(`entity \`${target.name}\``, 'entities', target.name);
      return target.ids.map((id) => bindPlaceholder(generation, idPlaceholder, id));
    }
    case 'namespace':
      return target.names.map((name) => {
        const namespace = map.namespaces.find((each) => each.name === name);
        // Whoever raises the counter of sessions ends all of them.
        if (namespace?.kind === 'state') throw isState(namespace);
        const generation = namespace?.generation ?? null;
        if (generation === null) throw noGeneration(`namespace \`${name}\``, 'namespaces', name);
        return generation;
      });
    case 'pattern':
      throw new InputError(
        '--mode generation needs an entity or a namespace: a pattern has no counter',
        'name the counter in the map, with "generation"',
      );
  }
}

function noGeneration(subject: string, list: string, name: string): InputError {
  return new InputError(
    `the map names no generation counter for ${subject}`,
    `write it there: "${list}": { "${name}": { "generation": "gen:${name}${list === 'entities' ? ':<id>' : ''}", … } }`,
  );
}

/** Increments the counters. A counter that is not there yet begins at 1. */
export function incrementing(): KeyChange {
  return {
    done: 'incremented',
    mostKeysInBatch: 200,
    async change(line, keys) {
      const replies = await line.exchange(keys.map((key) => ['INCR', key] as const));
      return outcomeOf(keys, replies, '`INCR`', () => true);
    },
  };
}
