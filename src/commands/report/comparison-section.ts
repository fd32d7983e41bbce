import type { Html } from '../../render/html.ts';
import { formatSeconds } from '../../render/units.ts';
import { rowName } from '../namespace-summary.ts';
import { momentText, type PageColumn, section, tableOf } from './parts.ts';
import type { ReportData } from './result.ts';

/** A namespace then and now; null: it was not there, or is not known. */
interface Change {
  readonly namespace: string;
  readonly keysBefore: number | null;
  readonly keys: number | null;
  readonly bytesBefore: number | null;
  readonly bytes: number | null;
  readonly hitRateBefore: number | null;
  readonly hitRate: number | null;
}

/** What changed since an earlier report, the largest change of memory first. */
export function comparisonOf(before: ReportData, now: ReportData): Html {
  const [then, today] = [figuresOf(before), figuresOf(now)];
  const names = [...new Set([...today.keys(), ...then.keys()])];
  const changes = names
    .map((namespace): Change => {
      const [earlier, later] = [then.get(namespace), today.get(namespace)];
      return {
        namespace,
        ...{ keysBefore: earlier?.keys ?? null, keys: later?.keys ?? null },
        ...{ bytesBefore: earlier?.bytes ?? null, bytes: later?.bytes ?? null },
        ...{ hitRateBefore: earlier?.hitRate ?? null, hitRate: later?.hitRate ?? null },
      };
    })
    .sort((left, right) => Math.abs(growth(right) ?? 0) - Math.abs(growth(left) ?? 0));
  const elapsed = (Date.parse(now.createdAt) - Date.parse(before.createdAt)) / 1000;
  const [was, is] = [before.stats.server?.address, now.stats.server?.address];
  const where = was === is ? '' : ` The earlier figures are those of ${was ?? 'a server without a name'}.`;
  return section(
    'What changed',
    `Compared with ${momentText(before.createdAt)}, ${formatSeconds(Math.max(0, elapsed))} earlier.${where}`,
    tableOf('Namespaces then and now', columns, changes),
  );
}

const growth = ({ bytes, bytesBefore }: Change): number | null =>
  bytes === null && bytesBefore === null ? null : (bytes ?? 0) - (bytesBefore ?? 0);

function figuresOf({ inspect, hits }: ReportData) {
  const rates = new Map(hits?.namespaces.map(({ namespace, hitRate }) => [namespace, hitRate]));
  return new Map(
    inspect.namespaces.map((row) => {
      const hitRate = rates.get(row.namespace) ?? null;
      return [rowName(row), { keys: row.keys, bytes: row.memoryBytes, hitRate }] as const;
    }),
  );
}

const columns: readonly PageColumn<Change>[] = [
  { header: 'Namespace', unit: 'text', value: ({ namespace }) => namespace },
  { header: 'Keys then', unit: 'count', value: ({ keysBefore }) => keysBefore },
  { header: 'Keys', unit: 'count', value: ({ keys }) => keys },
  { header: 'Memory then', unit: 'bytes', value: ({ bytesBefore }) => bytesBefore },
  { header: 'Memory', unit: 'bytes', value: ({ bytes }) => bytes },
  { header: 'Change', unit: 'bytes', value: growth },
  { header: 'Hit rate then', unit: 'ratio', value: ({ hitRateBefore }) => hitRateBefore },
  { header: 'Hit rate', unit: 'ratio', value: ({ hitRate }) => hitRate },
];
