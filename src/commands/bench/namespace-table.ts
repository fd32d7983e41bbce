import type { UsedNamespace } from '../../bench/like-keys.ts';
import type { BenchReport } from '../../bench/result.ts';
import type { Block } from '../../render/blocks.ts';
import { fieldsOf, tableOf } from '../../render/table.ts';

/** Of `--like` and `--mix`: whose keys were used, and how. */
export function namespaceTable({ namespaces }: Pick<BenchReport, 'namespaces'>): Block[] {
  if (namespaces.length === 0) return [];
  const { text, count, ratio, bytes } = fieldsOf<UsedNamespace>();
  return [
    tableOf(
      'namespaces',
      namespaces,
      [
        text('namespace', 'NAMESPACE'),
        count('keys', 'KEYS'),
        count('leftOutKeys', 'LEFT OUT'),
        ratio('trafficRatio', 'OF COMMANDS'),
        ratio('getRatio', 'READ SHARE'),
        ratio('hitRatio', 'AIMED HIT RATE'),
        bytes('meanMemoryBytes', 'MEAN SIZE'),
      ],
      { title: 'Whose keys were used', isSecondary: true },
    ),
  ];
}
