import { readFileSync, statSync } from 'node:fs';
import { parse } from 'jsonc-parser';
import { nestsReasonably } from './places.ts';

/** The names that a map gives to things, each with a few words about it. */
export interface MapNames {
  readonly profile: readonly NamedEntry[];
  readonly namespace: readonly NamedEntry[];
  readonly entity: readonly NamedEntry[];
}

export interface NamedEntry {
  readonly name: string;
  readonly description: string;
}

/**
 * Reads the names alone, without validating: a map with a mistake in it still gives its names, and no validator is
 * loaded, which matters at a shell's TAB. An unreadable file gives none, nor does a pipe, for which a TAB would wait.
 */
export function readMapNames(file: string): MapNames {
  let text: string;
  try {
    text = statSync(file).isFile() ? readFileSync(file, 'utf8') : '';
  } catch {
    return { profile: [], namespace: [], entity: [] };
  }
  const map: unknown = nestsReasonably(text) ? parse(text, [], { allowTrailingComma: true }) : {};
  return {
    // A URL may hold a password, so a profile is described by its protections only.
    profile: entriesOf(map, 'profiles', (entry) =>
      ['protected', 'readOnly'].filter((flag) => entry[flag] === true).join(', '),
    ),
    namespace: entriesOf(map, 'namespaces', (entry) => [entry['pattern']].flat().join(' ')),
    entity: entriesOf(map, 'entities', (entry) => [entry['patterns']].flat().join(' ')),
  };
}

function entriesOf(
  map: unknown,
  field: string,
  describe: (entry: Readonly<Record<string, unknown>>) => string,
): NamedEntry[] {
  return Object.entries(recordOf(recordOf(map)[field])).map(([name, entry]) => ({
    name,
    description: describe(recordOf(entry)),
  }));
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}
