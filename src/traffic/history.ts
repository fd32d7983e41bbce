import { appendFileSync, closeSync, constants, fchmodSync, fstatSync, openSync, readSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { parseRedisUrl } from '../redis/url.ts';
import { pick } from '../support/collections.ts';
import { InputError, fileFailureText, isAbort } from '../support/failure.ts';
import { openNamedPlace, readNamedFile, writeSignal } from '../support/named-file.ts';
import { sealed, unsealed } from '../support/sealed.ts';
import { writePlaceAt } from '../support/files.ts';
import { hitRateBounds } from './figures/findings.ts';
import { type MissedKey, recordedKeysOf, type Gain, gainSince } from './missed-keys.ts';
import type { HitMode, NamespaceTraffic, TrafficReport, WindowReport } from './report.ts';

const recorded = [
  ...(['mode', 'windowSeconds', 'valid', 'reads', 'hits', 'misses', 'hitRate', 'namespaces'] as const),
];

/** One line of a history file: a window, when and of which server. Fields are only ever added. */
export interface TrafficRecord extends Pick<TrafficReport, (typeof recorded)[number]> {
  readonly recordVersion: 1;
  /** ISO 8601. */
  readonly at: string;
  /** The URL without its password. */
  readonly server: string;
  /** Which keys, as the command line had it; absent: all. */
  readonly selection?: string;
  /** Keys that were missed; absent in what earlier versions wrote. */
  readonly missed?: readonly MissedKey[];
}

/** How one namespace did in two windows. A null: not known there. */
export interface NamespaceChange {
  readonly namespace: string;
  readonly database: number;
  /**
   * `better` and `worse`: the hit rates differ by more than chance explains, taking the reads of a window as a sample of
   * the traffic. `new` and `gone`: seen in one of the windows. `unclear`: a rate is not known, or one of
   * the windows is not valid.
   */
  readonly change: 'better' | 'worse' | 'same' | 'new' | 'gone' | 'unclear';
  readonly hitRateBefore: number | null;
  readonly hitRate: number | null;
  readonly readsPerSecondBefore: number | null;
  readonly readsPerSecond: number | null;
  readonly missesPerSecondBefore: number | null;
  readonly missesPerSecond: number | null;
}

export interface Comparison {
  /** When the earlier window ended, ISO 8601. */
  readonly endedAt: string;
  readonly server: { readonly address: string };
  readonly mode: HitMode;
  readonly windowSeconds: number;
  readonly changes: readonly NamespaceChange[];
  /** The keys that were missed then; null where the record names none, or misses are not known by key now. */
  readonly gain: Gain | null;
}

export const recordOf = (
  report: WindowReport,
  server: string,
  now: number,
  selection = '',
): TrafficRecord => ({
  ...{ recordVersion: 1, at: new Date(now).toISOString(), server },
  ...(selection !== '' && { selection }),
  ...pick(report, recorded),
  missed: recordedKeysOf(report),
});

/** A file that lines go to, open from the start, so that a window is not observed in vain. */
export interface HistoryFile {
  /** A pipe takes one record. */
  append(record: TrafficRecord): Promise<void>;
  close(): void;
}

/** A pipe without a reader is waited for. @throws InputError where the file cannot be written; AbortError */
export async function openHistory(path: string, signal: AbortSignal): Promise<HistoryFile> {
  const explain = (error: unknown): never => {
    if (isAbort(error)) throw error;
    throw new InputError(
      `history \`${path}\` cannot be written: ${fileFailureText(error)}`,
      'name another with --record FILE',
    );
  };
  try {
    if (writePlaceAt(path) === 'stream') {
      const stream = await openNamedPlace(path, signal);
      return {
        append: (record) =>
          pipeline([lineOf(record)], stream, { signal: writeSignal(signal) }).catch(explain),
        close: () => stream.destroy(),
      };
    }
    const { O_APPEND, O_CREAT, O_NOFOLLOW, O_RDWR } = constants;
    const file = openSync(path, O_APPEND | O_CREAT | O_NOFOLLOW | O_RDWR, 0o600);
    // It names keys, and an earlier program or a person may have made it readable for others.
    fchmodSync(file, 0o600);
    return {
      append(record) {
        try {
          // Continues where a full disk accepts only a part, and fails where it accepts no more.
          appendFileSync(file, `${endsWithinLine(file) ? '\n' : ''}${lineOf(record)}`);
          return Promise.resolve();
        } catch (error) {
          return explain(error);
        }
      },
      close: () => closeSync(file),
    };
  } catch (error) {
    return explain(error);
  }
}

const lineOf = (record: TrafficRecord) => `${JSON.stringify(sealed(record))}\n`;

/** A line that was cut short by a full disk or a kill must not spoil the next one. */
function endsWithinLine(file: number): boolean {
  const stats = fstatSync(file);
  if (!stats.isFile() || stats.size === 0) return false;
  const last = Buffer.alloc(1);
  readSync(file, last, 0, 1, stats.size - 1);
  return last.toString() !== '\n';
}

/** The last window of a history file. @throws InputError where there is none, or the last line is something else */
export async function readLastRecord(path: string, signal: AbortSignal): Promise<TrafficRecord> {
  const [last] = await readRecords(path, signal, 1);
  if (last === undefined) throw new InputError(`history \`${path}\` is empty`, hintOf(path, 'adds one'));
  return last;
}

/** The database of the server that was observed. */
export function databaseOf({ server }: Pick<TrafficRecord, 'server'>): number {
  try {
    return parseRedisUrl(server).database;
  } catch {
    return 0;
  }
}

const hintOf = (path: string, what: string) => `\`cachectl hits --record ${path}\` ${what}`;

/** Its last windows, so many of them, the earliest first. @throws InputError where one of these lines is something else */
export async function readRecords(path: string, signal: AbortSignal, most: number): Promise<TrafficRecord[]> {
  const failure = (cause: string) =>
    new InputError(`history \`${path}\` cannot be read: ${cause}`, hintOf(path, 'begins one'));
  const lines = (await readNamedFile(path, signal, failure))
    .toString()
    .split('\n')
    .map((text, index) => ({ text, number: index + 1 }))
    .filter(({ text }) => text.trim() !== '');
  return lines.slice(-most).map(({ text, number }) => {
    const record = parseRecord(text);
    if (record !== null) return record;
    throw new InputError(
      `history \`${path}\`: line ${number} is no result of \`hits\`, or not as it was written`,
      hintOf(path, 'adds one'),
    );
  });
}

function parseRecord(line: string): TrafficRecord | null {
  try {
    const value = unsealed(JSON.parse(line)) as Partial<TrafficRecord> | null;
    return value?.recordVersion === 1 &&
      typeof value.at === 'string' &&
      ['string', 'undefined'].includes(typeof value.selection) &&
      typeof value.windowSeconds === 'number' &&
      Array.isArray(value.namespaces) &&
      value.namespaces.every(isTraffic)
      ? (value as TrafficRecord)
      : null;
  } catch {
    return null;
  }
}

/** As far as a comparison needs it. */
function isTraffic(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const traffic = value as Readonly<Record<string, unknown>>;
  const isFigure = (name: keyof NamespaceTraffic) =>
    traffic[name] === null || typeof traffic[name] === 'number';
  return (
    typeof traffic['namespace'] === 'string' &&
    typeof traffic['database'] === 'number' &&
    (['reads', 'hits', 'misses', 'hitRate', 'readsPerSecond'] as const).every(isFigure)
  );
}

/** In their order: the namespaces that got worse come first. */
const order: readonly NamespaceChange['change'][] = ['worse', 'new', 'gone', 'better', 'unclear', 'same'];

/** What has changed since. */
export function compareWithRecord(report: WindowReport, before: TrafficRecord): Comparison {
  const byName = (namespaces: readonly NamespaceTraffic[]) =>
    new Map(namespaces.map((each) => [`${each.database}/${each.namespace}`, each]));
  const [earlier, later] = [byName(before.namespaces), byName(report.namespaces)];
  const changes = [...new Set([...later.keys(), ...earlier.keys()])].map((name): NamespaceChange => {
    const [old, now] = [earlier.get(name), later.get(name)];
    const isComparable = report.valid && before.valid;
    return {
      namespace: (now ?? old)?.namespace ?? '',
      database: (now ?? old)?.database ?? 0,
      change: isComparable ? judge(old, now) : 'unclear',
      hitRateBefore: old?.hitRate ?? null,
      hitRate: now?.hitRate ?? null,
      readsPerSecondBefore: old?.readsPerSecond ?? null,
      readsPerSecond: now?.readsPerSecond ?? null,
      missesPerSecondBefore: missesPerSecond(old, before.windowSeconds),
      missesPerSecond: missesPerSecond(now, report.windowSeconds),
    };
  });
  changes.sort((left, right) => order.indexOf(left.change) - order.indexOf(right.change));
  const { at, server, mode, windowSeconds } = before;
  return {
    endedAt: at,
    server: { address: server },
    mode,
    windowSeconds,
    changes,
    gain: gainSince(report, before),
  };
}

const missesPerSecond = (traffic: NamespaceTraffic | undefined, seconds: number) =>
  traffic?.misses == null || seconds === 0 ? null : traffic.misses / seconds;

function judge(
  old: NamespaceTraffic | undefined,
  now: NamespaceTraffic | undefined,
): NamespaceChange['change'] {
  if (old === undefined) return 'new';
  if (now === undefined) return 'gone';
  const [before, after] = [hitRateBounds(old), hitRateBounds(now)];
  if (before === null || after === null) return 'unclear';
  if (after[0] > before[1]) return 'better';
  return after[1] < before[0] ? 'worse' : 'same';
}
