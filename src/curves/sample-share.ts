import { type AccessTrace, groups } from './access-sample.ts';

/** What a sample, or a random group of it, stands for. */
export interface SampleShare {
  /** Share of all keys. */
  readonly share: number;
  /** A byte of the sample stands for so many. */
  readonly scale: number;
}

/**
 * Of the keys that were counted, where they could be: a sample of a thousand keys has three per cent more or fewer of them than it
 * should. Null where no key is in it.
 * @param group null: the whole sample
 */
export function shareOf(
  trace: AccessTrace,
  bytes: readonly number[],
  known: { readonly distinctKeys: number | null; readonly distinctBytes: number | null },
  group: number | null,
): SampleShare | null {
  const { distinctKeys, distinctBytes } = known;
  let [keys, sampledBytes] = [0, 0];
  for (const key of touchedKeys(trace, group)) {
    keys++;
    sampledBytes += bytes[key] ?? 0;
  }
  if (keys === 0) return null;
  const nominal = group === null ? trace.rate : trace.rate / groups;
  const share = distinctKeys === null || distinctKeys === 0 ? nominal : keys / distinctKeys;
  return {
    share,
    scale: distinctBytes === null || sampledBytes === 0 ? 1 / share : distinctBytes / sampledBytes,
  };
}

/** Keys with an access, each once. */
function* touchedKeys({ keys, key: accessed, length }: AccessTrace, group: number | null) {
  const seen = new Uint8Array(keys.row.length);
  for (let at = 0; at < length; at++) {
    const key = accessed[at] ?? 0;
    if (seen[key] === 1 || (group !== null && keys.group[key] !== group)) continue;
    seen[key] = 1;
    yield key;
  }
}
