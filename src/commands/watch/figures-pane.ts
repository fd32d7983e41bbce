import {
  formatBytes,
  formatCell,
  formatEstimate,
  formatMicros,
  formatRatio,
  formatSeconds,
} from '../../render/units.ts';
import type { Unit } from '../../render/blocks.ts';
import { scaleFromZero, scaleOfChange, sparklineOf } from '../../render/sparkline.ts';
import { fitted, type Span, type StyledLine } from '../../render/styled-line.ts';
import type { HitMode } from '../../traffic/report.ts';
import type { WatchInterval } from '../../watch/interval.ts';
import { type FrameSize, isAway, lastAnswer, shownData, type WatchState } from './state.ts';

/** A figure with its course: `hit rate   93.1 %  ▁▂▃▅▇  690 misses/s`. */
export interface Course {
  readonly label: string;
  readonly unit: Unit;
  /** Oldest first; a null where it is not known. */
  readonly values: readonly (number | null)[];
  /** False: the line shows changes, and does not start from zero. */
  readonly fromZero: boolean;
  readonly remark?: string;
  /** The interval of the newest value, where it is an estimate. */
  readonly interval?: readonly [number, number] | null;
  readonly tone?: Span['tone'];
}

const labelWidth = 11;
const valueWidth = 10;
const remarkWidth = 26;

/** From so many columns on there is room for remarks. */
const remarkColumns = 72;

/** One line in exactly the width; the sparkline gets what is left. */
export function courseLine(course: Course, { columns, unicode }: FrameSize): StyledLine {
  const { values, label, unit, remark = '', interval = null, tone } = course;
  const value = values.at(-1) ?? null;
  const remarkRoom = columns >= remarkColumns ? remarkWidth : 0;
  const width = columns - labelWidth - valueWidth - 2 - (remarkRoom === 0 ? 0 : remarkRoom + 2);
  const scale = course.fromZero ? scaleFromZero(values.slice(-width)) : scaleOfChange(values.slice(-width));
  return {
    spans: [
      { text: fitted(label, labelWidth, { unicode }), tone: 'dim' },
      {
        text: fitted(formatEstimate(value, unit, interval), valueWidth, { unicode }, 'right'),
        tone: tone ?? 'title',
      },
      { text: '  ' },
      { text: sparklineOf(values, width, scale, { unicode }), tone: tone ?? 'accent' },
      ...(remarkRoom === 0
        ? []
        : [{ text: '  ' + fitted(remark, remarkRoom, { unicode }), tone: 'dim' as const }]),
    ],
  };
}

/** What the server is, in a line. */
export function factsLine(state: WatchState, { columns, unicode }: FrameSize): StyledLine {
  const last = lastAnswer(state);
  if (last === null) return { spans: [{ text: 'the first interval is being measured …', tone: 'dim' }] };
  const shown = isAway(state) ? null : last;
  const facts = [
    `${formatCell(shown?.keys ?? null, 'count')} keys`,
    `${formatCell(shown?.connectedClients ?? null, 'count')} clients`,
    `cpu ${formatCell(shown?.cpuRatio ?? null, 'ratio')}`,
    `in ${rateOf(shown?.bytesInPerSecond ?? null)}, out ${rateOf(shown?.bytesOutPerSecond ?? null)}`,
    shown?.uptimeSeconds == null ? '' : `up ${formatSeconds(shown.uptimeSeconds)}`,
  ].filter((fact) => fact !== '');
  while (facts.length > 1 && facts.join('  ').length > columns) facts.pop();
  return { spans: [{ text: fitted(facts.join('  '), columns, { unicode }), tone: 'dim' }] };
}

const rateOf = (bytes: number | null) => (bytes === null ? '-' : `${formatBytes(bytes)}/s`);

/** The figures of the whole server; the more room, the more of them. */
export function figureLines(state: WatchState, size: FrameSize, room: number): StyledLine[] {
  const courses = coursesOf(shownData(state).history, state.lateSeconds > 0);
  const most = room >= 26 ? courses.length : room >= 8 ? 6 : 4;
  return courses.slice(0, most).map((course) => courseLine(course, size));
}

type Figure = {
  [Name in keyof WatchInterval]: WatchInterval[Name] extends number | null ? Name : never;
}[keyof WatchInterval];

/** In the order of their worth. */
function coursesOf(history: readonly WatchInterval[], late: boolean): Course[] {
  const of = (name: Figure) => history.map((interval) => interval[name]);
  const last = history.findLast(({ ok }) => ok);
  const perSecond = (count: number | null | undefined, seconds = last?.windowSeconds) =>
    count == null || seconds == null || seconds <= 0 ? null : count / seconds;
  const rate = (name: Figure) => history.map((interval) => perSecond(interval[name], interval.windowSeconds));
  const share = last?.usedBytes == null || last.maxBytes == null ? null : last.usedBytes / last.maxBytes;
  const evicting = (last?.evictedKeys ?? 0) > 0;
  const courses: Course[] = [
    {
      label: 'hit rate',
      unit: 'ratio',
      values: of('hitRate'),
      fromZero: false,
      interval: last?.hitRateInterval ?? null,
      remark: last?.metadataLookups
        ? `without ${formatCell(perSecond(last.metadataLookups), 'perSecond')} metadata`
        : `${formatCell(perSecond(last?.hits), 'perSecond')} hit, ${formatCell(perSecond(last?.misses), 'perSecond')} miss`,
    },
    {
      label: 'operations',
      unit: 'perSecond',
      values: of('operationsPerSecond'),
      fromZero: true,
      remark: 'without those of watch',
    },
    {
      label: 'memory',
      unit: 'bytes',
      values: of('usedBytes'),
      fromZero: false,
      remark:
        share !== null
          ? `${formatRatio(share)} of ${formatBytes(last?.maxBytes ?? 0)}`
          : last?.hasMemoryLimit === false
            ? 'no limit'
            : 'limit not reported',
    },
    {
      label: 'evictions',
      unit: 'perSecond',
      values: rate('evictedKeys'),
      fromZero: true,
      remark: evicting ? 'keys are being evicted' : last?.evictedKeys == null ? 'not reported' : 'none',
      ...(evicting && { tone: 'warning' as const }),
    },
    {
      label: 'latency p99',
      unit: 'micros',
      values: history.map(({ latency }) => latency?.p99Micros ?? null),
      fromZero: true,
      remark: `p50 ${last?.latency == null ? '-' : formatMicros(last.latency.p50Micros)}, from here`,
    },
    {
      label: 'expired',
      unit: 'perSecond',
      values: rate('expiredKeys'),
      fromZero: true,
      remark: 'keys whose TTL ran out',
    },
    { label: 'cpu', unit: 'ratio', values: of('cpuRatio'), fromZero: true, remark: 'of a core' },
    { label: 'clients', unit: 'count', values: of('connectedClients'), fromZero: true },
    {
      label: 'out',
      unit: 'bytes',
      values: of('bytesOutPerSecond'),
      fromZero: true,
      remark: 'sent per second',
    },
  ];
  // What is not of now must not look as if it were.
  if (history.at(-1)?.ok === false) return courses.map((course) => ({ ...course, tone: 'dim', remark: '-' }));
  return late ? courses.map((course) => ({ ...course, tone: 'dim' })) : courses;
}

/** Sentences below the figures, the most urgent first. */
export function notesOf(state: WatchState, { columns, unicode }: FrameSize): StyledLine[] {
  const { history } = shownData(state);
  const newest = history.at(-1);
  const last = lastAnswer(state);
  const notes: Span[] = [];
  if (newest?.error != null)
    notes.push({ text: `reconnecting ${unicode ? '…' : '...'} ${newest.error.message}`, tone: 'bad' });
  const about = isAway(state) ? [] : notesOn(last, columns);
  return [...notes, ...about].map(({ text, tone }) => ({
    spans: [{ text: fitted(text, columns, { unicode }), tone: tone ?? 'plain' }],
  }));
}

/** What there is to say of an interval in which the server answered. */
function notesOn(last: WatchInterval | null, columns: number): Span[] {
  const notes: Span[] = [];
  if (last?.reset === 'restart')
    notes.push({ text: 'the server was started anew: these figures count from then', tone: 'warning' });
  if (last?.reset === 'statistics')
    notes.push({
      text: "the server's statistics were reset: these figures count from then",
      tone: 'warning',
    });
  if (last?.reset === 'other')
    notes.push({ text: 'another server answers now: the next interval has its figures', tone: 'warning' });
  const unseen = last?.trafficMode == null ? undefined : unseenIn[last.trafficMode];
  if (unseen !== undefined)
    notes.push({ text: `${unseen} by namespace: ${last?.trafficModeReason ?? ''}`, tone: 'warning' });
  for (const reason of last?.trafficInvalid ?? [])
    notes.push({ text: `hits by namespace are not reliable: ${reason}`, tone: 'warning' });
  notes.push({ text: costText(last, columns), tone: 'dim' });
  return notes;
}

/** What a way of observing cannot tell. */
const unseenIn: Readonly<Partial<Record<HitMode, string>>> = {
  'misses-only': 'no reads',
  counters: 'no hits and misses',
};

/** What watching asks of the server, and how old the sizes are: what has no room is left out from the end. */
function costText(last: WatchInterval | null, columns: number): string {
  if (last === null) return 'watch asks INFO once in each interval, and PING up to 50 times a second';
  const cost = `watch sent ${formatCell(last.ownCommands, 'count')} commands in ${formatSeconds(last.windowSeconds ?? 0)}`;
  const parts = [cost];
  if (last.trafficMode !== null) parts.push(`hits: ${last.trafficMode}`);
  if (last.namespacesReadAt !== null) {
    const ageSeconds = Math.round((Date.parse(last.endedAt) - Date.parse(last.namespacesReadAt)) / 1000);
    parts.push(
      last.namespacesExact === false
        ? `sizes estimated (~) from a sample ${formatSeconds(ageSeconds)} ago`
        : `sizes of namespaces read ${formatSeconds(ageSeconds)} ago`,
    );
  }
  while (parts.length > 1 && parts.join('; ').length > columns) parts.pop();
  return parts.join('; ');
}
