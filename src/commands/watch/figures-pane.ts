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
import { fitted, lineOf, type Span, type StyledLine } from '../../render/styled-line.ts';
import type { HitMode } from '../../traffic/report.ts';
import type { WatchInterval } from '../../watch/interval.ts';
import type { FrameSize } from '../screen.ts';
import { ellipsis, joined } from '../screen-list.ts';
import { isAway, lastAnswer, shownData, type WatchState } from './state.ts';

/** A figure with its course: `hit rate   93.1 %  ▁▂▃▅▇  690 misses/s`. */
export interface Course {
  readonly label: string;
  readonly unit: Unit;
  /** Oldest first; a null where it is not known. */
  readonly values: readonly (number | null)[];
  /** True: the line shows changes, and does not start from zero. */
  readonly showsChange?: true;
  readonly remark?: string;
  /** The interval of the newest value, where it is an estimate. */
  readonly interval?: readonly [number, number] | null | undefined;
  readonly tone?: Span['tone'];
}

const labelWidth = 11;
const valueWidth = 10;
const remarkWidth = 26;

/** From so many columns on there is room for remarks. */
const remarkColumns = 72;

/** One line in exactly the width; the sparkline gets what is left. */
export function courseLine(course: Course, size: FrameSize): StyledLine {
  const { values, label, unit, remark = '', interval = null, tone } = course;
  const remarkRoom = size.columns >= remarkColumns ? remarkWidth : 0;
  const width = size.columns - labelWidth - valueWidth - 2 - (remarkRoom === 0 ? 0 : remarkRoom + 2);
  const scaleOf = course.showsChange ? scaleOfChange : scaleFromZero;
  const figure = formatEstimate(values.at(-1) ?? null, unit, interval);
  return {
    spans: [
      { text: fitted(label, labelWidth, size), tone: 'dim' },
      { text: fitted(figure, valueWidth, size, 'right'), tone: tone ?? 'title' },
      { text: '  ' },
      { text: sparklineOf(values, width, scaleOf(values.slice(-width)), size), tone: tone ?? 'accent' },
      { text: remarkRoom === 0 ? '' : `  ${fitted(remark, remarkRoom, size)}`, tone: 'dim' },
    ],
  };
}

/** What the server is, in a line. */
export function factsLine(state: WatchState, size: FrameSize): StyledLine {
  const last = lastAnswer(state);
  if (last === null) return lineOf('the first interval is being measured …', 'dim');
  const shown = isAway(state) ? null : last;
  const facts = [
    `${formatCell(shown?.keys ?? null, 'count')} keys`,
    `${formatCell(shown?.connectedClients ?? null, 'count')} clients`,
    `cpu ${formatCell(shown?.cpuRatio ?? null, 'ratio')}`,
    `in ${rateOf(shown?.bytesInPerSecond ?? null)}, out ${rateOf(shown?.bytesOutPerSecond ?? null)}`,
    ...(shown?.uptimeSeconds == null ? [] : [`up ${formatSeconds(shown.uptimeSeconds)}`]),
  ];
  return lineOf(fitted(joined(facts, '  ', size.columns), size.columns, size), 'dim');
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
  const hitRateRemark = last?.metadataLookups
    ? `without ${formatCell(perSecond(last.metadataLookups), 'perSecond')} metadata`
    : `${formatCell(perSecond(last?.hits), 'perSecond')} hit, ${formatCell(perSecond(last?.misses), 'perSecond')} miss`;
  const limit =
    share !== null
      ? `${formatRatio(share)} of ${formatBytes(last?.maxBytes ?? 0)}`
      : last?.hasMemoryLimit === false
        ? 'no limit'
        : 'limit not reported';
  const evictions = evicting
    ? { remark: 'keys are being evicted', tone: 'warning' as const }
    : { remark: last?.evictedKeys == null ? 'not reported' : 'none' };
  const p50 = last?.latency == null ? '-' : formatMicros(last.latency.p50Micros);
  const p99s = history.map(({ latency }) => latency?.p99Micros ?? null);
  const courses: Course[] = [
    {
      ...{ label: 'hit rate', unit: 'ratio', values: of('hitRate'), showsChange: true },
      ...{ interval: last?.hitRateInterval, remark: hitRateRemark },
    },
    {
      ...{ label: 'operations', unit: 'perSecond', values: of('operationsPerSecond') },
      remark: 'without those of watch',
    },
    { label: 'memory', unit: 'bytes', values: of('usedBytes'), showsChange: true, remark: limit },
    { label: 'evictions', unit: 'perSecond', values: rate('evictedKeys'), ...evictions },
    { label: 'latency p99', unit: 'micros', values: p99s, remark: `p50 ${p50}, from here` },
    { label: 'expired', unit: 'perSecond', values: rate('expiredKeys'), remark: 'keys whose TTL ran out' },
    { label: 'cpu', unit: 'ratio', values: of('cpuRatio'), remark: 'of a core' },
    { label: 'clients', unit: 'count', values: of('connectedClients'), remark: 'watch is among them' },
    { label: 'out', unit: 'bytes', values: of('bytesOutPerSecond'), remark: 'sent per second' },
  ];
  // What is not of now must not look as if it were.
  if (history.at(-1)?.ok === false) return courses.map((course) => ({ ...course, tone: 'dim', remark: '-' }));
  return late ? courses.map((course) => ({ ...course, tone: 'dim' })) : courses;
}

/** Sentences below the figures, the most urgent first. */
export function notesOf(state: WatchState, size: FrameSize): StyledLine[] {
  const notes: StyledLine[] = [];
  const say = (text: string, tone: Span['tone']) =>
    notes.push(lineOf(fitted(text, size.columns, size), tone));
  const error = shownData(state).history.at(-1)?.error;
  if (error != null) say(`reconnecting ${ellipsis(size)} ${error.message}`, 'bad');
  if (isAway(state)) return notes;
  const last = lastAnswer(state);
  if (last?.reset != null) say(resets[last.reset], 'warning');
  const unseen = last?.trafficMode == null ? undefined : unseenIn[last.trafficMode];
  if (unseen !== undefined) say(`${unseen} by namespace: ${last?.trafficModeReason ?? ''}`, 'warning');
  for (const reason of last?.trafficInvalid ?? [])
    say(`hits by namespace are not reliable: ${reason}`, 'warning');
  say(costText(last, size.columns), 'dim');
  return notes;
}

const resets: Readonly<Record<NonNullable<WatchInterval['reset']>, string>> = {
  restart: 'the server was started anew: these figures count from then',
  statistics: "the server's statistics were reset: these figures count from then",
  other: 'another server answers now: the next interval has its figures',
};

/** What a way of observing does not see. */
const unseenIn: Readonly<Partial<Record<HitMode, string>>> = {
  'misses-only': 'no reads',
  counters: 'no hits and misses',
};

/** What watching asks of the server, and how old the sizes are. */
function costText(last: WatchInterval | null, columns: number): string {
  if (last === null) return 'watch asks INFO once in each interval, and PING up to 50 times a second';
  const { ownCommands, windowSeconds, trafficMode, endedAt, namespacesReadAt, namespacesExact } = last;
  const parts = [
    `watch sent ${formatCell(ownCommands, 'count')} commands in ${formatSeconds(windowSeconds ?? 0)}`,
  ];
  if (trafficMode !== null) parts.push(`hits: ${trafficMode}`);
  if (namespacesReadAt !== null) {
    const age = formatSeconds(Math.round((Date.parse(endedAt) - Date.parse(namespacesReadAt)) / 1000));
    const how = namespacesExact === false ? 'estimated (~) from a sample' : 'of namespaces read';
    parts.push(`sizes ${how} ${age} ago`);
  }
  return joined(parts, '; ', columns);
}
