import { type Block, caveats, fact, factsOf, note, notes, type PlotBlock } from '../../render/blocks.ts';
import { fieldsOf, tableOf } from '../../render/table.ts';
import { counted, formatBytes, formatCell, formatRatio, formatSeconds } from '../../render/units.ts';
import type { MemoryPoint, TtlAnswer } from '../../curves/what-if.ts';
import type { Interval } from '../../support/intervals.ts';
import type { Audience } from '../context.ts';
import { chosenFields, type LayoutInput } from '../namespace-columns.ts';
import { restoredNotes } from '../traffic-columns.ts';
import type { ChangeWorth } from '../../curves/worth.ts';
import type { NamespaceAnswer, WhatifResult } from './result.ts';

interface TableInput extends LayoutInput {
  readonly limit?: number;
  readonly memory?: readonly number[];
}

const defaultLimit = 20;

/** The result of `whatif`: for people the answers first, then the curve; as rows figure by figure. */
export function viewWhatif(
  result: WhatifResult,
  input: TableInput,
  { isPerson }: Pick<Audience, 'isPerson'>,
): Block[] {
  const tables = [namespaceTable(result, input), memoryTable(result, input), ...ttlTables(result)];
  if (!isPerson) return [factsOf('window', 'Window', ...windowFacts(result)), ...tables];
  return [
    note('title', conclusionOf(result)),
    ...caveats('bad', ...result.invalidReasons.map((reason) => `this window is not valid: ${reason}`)),
    ...notes('plain', ...memoryTexts(result)),
    plotOf(result),
    ...tables,
    ...notes('plain', leastEarningText(result)),
    ...caveats('warning', ...result.remarks, modelText(result), policyText(result)),
    ...restoredNotes(result.notifications),
    ...notes('dim', sampleText(result)),
  ];
}

/** `92.0 % of 1,020 reads/s hit, with 256.0 MB and allkeys-lru` */
function conclusionOf({
  hitRate,
  reads,
  windowSeconds,
  todayBytes,
  policy,
  serverPolicy,
}: WhatifResult): string {
  if (hitRate === null) return 'no reads were observed';
  const rate =
    windowSeconds === 0
      ? counted(reads, 'read')
      : formatCell(reads / windowSeconds, 'perSecond').replace('/s', ' reads/s');
  return `${formatRatio(hitRate)} of ${rate} hit, with ${formatBytes(todayBytes)} and ${serverPolicy ?? policy}`;
}

function memoryTexts(result: WhatifResult): (string | false | null)[] {
  const { today, half, twice, knee, leanest, forTarget, hitRate, todayBytes, hasEvicted } = result;
  if (hitRate === null) return [];
  return [
    isOtherPolicy(result) &&
      today !== null &&
      pointText(`${result.policy} and the memory of today`, today, result),
    half && pointText('half the memory', half, result) + worthText(result.halfWorth),
    hasEvicted
      ? twice && pointText('twice the memory', twice, result) + worthText(result.twiceWorth)
      : 'more memory: no more hits, for nothing was evicted',
    leanest &&
      `${formatBytes(todayBytes - leanest.memoryBytes)} could go: ${formatBytes(leanest.memoryBytes)} keep 99 % of the hits`,
    knee &&
      (hasEvicted || knee.timesToday < 1) &&
      `the curve bends at ${formatBytes(knee.memoryBytes)}, with ${formatRatio(knee.hitRate ?? 0)}: from there on more memory adds less`,
    forTarget && targetText(forTarget),
  ];
}

/** `half the memory, 128.0 MB: 85.1 % (84.0 to 86.2 %), 12,300 misses more a day` */
function pointText(what: string, point: MemoryPoint, result: WhatifResult): string {
  const { memoryBytes, hitRate, hitRateInterval, extraMissesPerDay } = point;
  const start = `${what}, ${formatBytes(memoryBytes)}`;
  if (hitRateInterval === null) return `${start}: the sample has too few reads to tell`;
  const range = rangeText(hitRateInterval);
  if (hitRate === null) return `${start}: ${range}; ${longerText(point, result)}`;
  const today = result.hitRate ?? 0;
  const isSure = hitRateInterval[1] < today || hitRateInterval[0] > today;
  const misses =
    extraMissesPerDay === null || !isSure
      ? 'no difference that this window shows'
      : `about ${formatCell(threeFigures(Math.abs(extraMissesPerDay)), 'count')} misses ${extraMissesPerDay < 0 ? 'fewer' : 'more'} a day at this traffic`;
  return `${start}: ${formatRatio(hitRate)} (${range}), ${misses}`;
}

/** `; saves 12 an hour (11 to 13), the memory costs 0.2 more` */
function worthText(worth: ChangeWorth | null): string {
  const {
    savedPerHour: saved = null,
    savedPerHourInterval: range = null,
    memoryCostPerHour: cost = null,
  } = worth ?? {};
  // Only where the interval leaves no doubt of its sign.
  if (saved === null || range === null || range[0] * range[1] <= 0) return '';
  const [from, to] = range.map(Math.abs).sort((left, right) => left - right) as [number, number];
  const amount = `${amountText(Math.abs(saved))} an hour (${amountText(from)} to ${amountText(to)})`;
  const memory =
    cost === null ? '' : `, the memory costs ${amountText(Math.abs(cost))} ${cost > 0 ? 'more' : 'less'}`;
  return `; ${saved > 0 ? 'saves' : 'loses'} ${amount}${memory}`;
}

/** More are not known of a day that has not been. */
const threeFigures = (amount: number) => Math.round(Number(amount.toPrecision(3)));

/** A window fills memory ever more slowly, so it has to be longer by more than what is missing. */
function longerText({ timesToday }: MemoryPoint, { seenShare, windowSeconds }: WhatifResult): string {
  const times = timesToday / Math.max(seenShare, 1e-3);
  return times > 1
    ? `a window of more than ${formatSeconds(Math.ceil(times * windowSeconds))} (--for) would narrow it`
    : 'a longer window (--for) would narrow it';
}

function targetText({ hitRate, point, isReachable }: NonNullable<WhatifResult['forTarget']>): string {
  const rate = formatRatio(hitRate);
  if (point !== null) return `${rate} takes ${formatBytes(point.memoryBytes)}`;
  return isReachable === false
    ? `no memory reaches ${rate}: the rest is misses of keys that expired, were removed, or were never cached`
    : `which memory reaches ${rate} cannot be told from this window`;
}

const rangeText = ([low, high]: Interval) => `${formatRatio(low)} to ${formatRatio(high)}`;

const plotOf = ({ memory, todayBytes }: WhatifResult): PlotBlock => ({
  ...{ kind: 'plot', title: 'Hit rate by memory', xUnit: 'bytes', yUnit: 'ratio', markedX: todayBytes },
  points: memory.map(({ memoryBytes: x, hitRate: y, hitRateInterval: interval }) => ({ x, y, interval })),
});

const { text, count, ratio, bytes, number, seconds } = fieldsOf<NamespaceAnswer>();

const at = (share: number) => (each: NamespaceAnswer) =>
  each.memory.find((point) => point.timesToday === share);
const rangeCell = (interval: Interval | null | undefined) => (interval == null ? null : rangeText(interval));
const rateAt = (name: string, header: string, share: number) =>
  ratio(name, header, (row) => at(share)(row)?.hitRate ?? null);

const half = rateAt('hitRateAtHalf', 'AT HALF', 0.5);
const twice = rateAt('hitRateAtTwice', 'AT TWICE', 2);
const money = [
  number('savedPerHour', 'SAVED/H'),
  number('savedPerGigabyteHour', 'SAVED/GB/H'),
  number('memoryCostPerHour', 'MEMORY/H'),
];
const memoryShare = ratio('memoryShare', 'OF MEMORY');
const namespace = text('namespace', 'NAMESPACE');

/** For programs. */
export const namespaceFields = [
  ...[namespace, text('database', 'DB', ({ database }) => String(database))],
  ...[count('reads', 'READS'), count('misses', 'MISSES'), ratio('hitRate', 'HIT RATE'), half],
  ratio('hitRateAtHalfLow', 'FROM', (row) => at(0.5)(row)?.hitRateInterval?.[0] ?? null),
  ratio('hitRateAtHalfHigh', 'TO', (row) => at(0.5)(row)?.hitRateInterval?.[1] ?? null),
  twice,
  ratio('hitRateAtTwiceLow', 'FROM', (row) => at(2)(row)?.hitRateInterval?.[0] ?? null),
  ratio('hitRateAtTwiceHigh', 'TO', (row) => at(2)(row)?.hitRateInterval?.[1] ?? null),
  ...[bytes('activeBytes', 'IN USE'), memoryShare, seconds('currentTtlSeconds', 'TTL'), ...money],
];

/** For people: what the window does not tell has its bounds. */
const shownRate = (name: string, header: string, share: number) =>
  text(name, header, (row) => {
    const point = at(share)(row);
    return point?.hitRate == null ? rangeCell(point?.hitRateInterval) : formatRatio(point.hitRate);
  });

function namespaceTable({ namespaces }: WhatifResult, input: TableInput): Block {
  const { limit = defaultLimit } = input;
  const chosen = chosenFields(namespaceFields, input);
  const paid = money.filter((field) => namespaces.some((each) => field[1](each) !== null));
  const fields = [
    ...[
      namespace,
      ratio('hitRate', 'HIT RATE'),
      shownRate('half', 'AT HALF', 0.5),
      shownRate('twice', 'AT TWICE', 2),
    ],
    ...[
      memoryShare,
      ...paid,
      bytes('activeBytes', 'IN USE'),
      seconds('currentTtlSeconds', 'TTL'),
      count('reads', 'READS'),
    ],
  ];
  return tableOf('namespaces', namespaces, chosen ?? namespaceFields, {
    title: namespaces.length > limit ? `${limit} of ${namespaces.length} namespaces` : 'Namespaces',
    shown: { rows: namespaces.slice(0, limit), fields: chosen ?? fields },
    ...(input.limit === undefined && { moreWith: `--limit ${namespaces.length}` }),
  });
}

/** Of the sizes that people see; JSON and tsv have all. */
const shownShares = [0.25, 0.5, 0.75, 1, 1.5, 2, 4];

function memoryTable({ memory, todayBytes }: WhatifResult, { memory: asked = [] }: TableInput): Block {
  const of = fieldsOf<MemoryPoint>();
  const [size, share] = [of.bytes('memoryBytes', 'MEMORY'), of.ratio('timesToday', 'OF TODAY')];
  const rate = of.ratio('hitRate', 'HIT RATE');
  const extra = of.count('extraMissesPerDay', 'MORE MISSES/DAY', ({ extraMissesPerDay }) =>
    extraMissesPerDay === null ? null : threeFigures(extraMissesPerDay),
  );
  const fields = [
    ...[size, share, rate],
    of.ratio('hitRateLow', 'FROM', ({ hitRateInterval }) => hitRateInterval?.[0] ?? null),
    of.ratio('hitRateHigh', 'TO', ({ hitRateInterval }) => hitRateInterval?.[1] ?? null),
    extra,
  ];
  const isAsked = ({ timesToday: each }: MemoryPoint) => asked.some((bytes) => bytes / todayBytes === each);
  const rows = memory.filter((point) => shownShares.includes(point.timesToday) || isAsked(point));
  return tableOf('memory', memory, fields, { title: 'Memory', shown: { rows }, isSecondary: true });
}

/** With its namespace; the first rows are of all. */
interface TtlRow extends TtlAnswer {
  readonly namespace: string;
  readonly currentTtlSeconds: number | null;
}

function ttlTables({ ttl, namespaces }: WhatifResult): Block[] {
  if (ttl.length === 0) return [];
  const of = fieldsOf<TtlRow>();
  const rows = namespaces
    .filter(({ currentTtlSeconds }) => currentTtlSeconds !== null)
    .flatMap(({ namespace: name, currentTtlSeconds, ttl: answers }) =>
      answers.map((answer): TtlRow => ({ ...answer, namespace: name, currentTtlSeconds })),
    );
  const [name, ttlColumn] = [of.text('namespace', 'NAMESPACE'), of.seconds('ttlSeconds', 'WITH TTL')];
  const fields = [
    ...[name, of.seconds('currentTtlSeconds', 'TTL NOW'), ttlColumn, of.ratio('hitRate', 'HIT RATE')],
    of.ratio('hitRateLow', 'FROM', ({ hitRateInterval }) => hitRateInterval?.[0] ?? null),
    of.ratio('hitRateHigh', 'TO', ({ hitRateInterval }) => hitRateInterval?.[1] ?? null),
    of.bytes('heldBytes', 'HOLDS'),
    of.bytes('heldBytesLow', 'FROM', ({ heldBytesInterval }) => heldBytesInterval?.[0] ?? null),
    of.bytes('heldBytesHigh', 'TO', ({ heldBytesInterval }) => heldBytesInterval?.[1] ?? null),
  ];
  const title = 'TTL, the same for all keys, with memory enough for them';
  return [tableOf('ttl', rows, fields, { title, isSecondary: true, moreWith: '--output json has all' })];
}

/** The namespace that saves least for the memory that it takes. */
function leastEarningText({ namespaces, gigabyteHourCost: cost }: WhatifResult): string | null {
  const paid = namespaces.filter(({ savedPerGigabyteHour: saved }) => saved !== null);
  const [least] = [...paid].sort(
    (left, right) => (left.savedPerGigabyteHour ?? 0) - (right.savedPerGigabyteHour ?? 0),
  );
  const saved = least?.savedPerGigabyteHour;
  if (least === undefined || saved == null || (paid.length < 2 && cost === null)) return null;
  const held =
    cost === null
      ? ''
      : saved < cost
        ? `, less than its ${amountText(cost)}`
        : `; it costs ${amountText(cost)}`;
  return `\`${least.namespace}\` earns least: a gigabyte of it saves ${amountText(saved)} an hour${held}`;
}

const amountText = (amount: number) => formatCell(amount, 'number');

/** From here on the model is far from what was counted. */
const largeError = 0.02;

function modelText({ hitRate, modelledHitRate }: WhatifResult): string | null {
  if (hitRate === null || modelledHitRate === null || Math.abs(hitRate - modelledHitRate) < largeError)
    return null;
  return (
    `for the memory of today the model says ${formatRatio(modelledHitRate)}, and the server counted ${formatRatio(hitRate)}: ` +
    'the curve is moved there, and may be off by as much elsewhere'
  );
}

const isOtherPolicy = ({ serverPolicy, policy }: WhatifResult) =>
  serverPolicy !== null && serverPolicy !== 'noeviction' && serverPolicy !== policy;

function policyText(result: WhatifResult): string | null {
  const { serverPolicy, policy } = result;
  if (serverPolicy === policy || serverPolicy === null) return null;
  return serverPolicy === 'noeviction'
    ? `the policy of the server is noeviction, and writes fail when its memory is full: the figures are those of ${policy}`
    : `the policy of the server is ${serverPolicy}: the figures are those of ${policy}`;
}

function sampleText(result: WhatifResult): string {
  const { sampledKeys, sampledAccesses, sampleRate, seenShare, sizesKnown, windowSeconds, from } = result;
  const share = sampleRate >= 1 ? 'all keys' : `${formatRatio(sampleRate)} of the keys`;
  return (
    `${formatSeconds(Math.round(windowSeconds))}${from === null ? '' : `, from ${from}`}: ${counted(sampledAccesses, 'access', 'accesses')} of ` +
    `${counted(sampledKeys, 'key')} (${share}), sizes of ${formatRatio(sizesKnown)} of them; the window filled ` +
    `${formatRatio(Math.min(1, seenShare))} of the memory of today`
  );
}

function windowFacts(result: WhatifResult) {
  const { hitRate, todayBytes, policy, windowSeconds, valid, seenShare, sampleRate, modelledHitRate } =
    result;
  const { leanest, knee, forTarget } = result;
  return [
    fact('hitRate', 'hitRate', hitRate, 'ratio'),
    fact('modelledHitRate', 'modelledHitRate', modelledHitRate, 'ratio'),
    fact('todayBytes', 'todayBytes', todayBytes, 'bytes'),
    fact('policy', 'policy', policy, 'text'),
    fact('leanestBytes', 'leanestBytes', leanest?.memoryBytes ?? null, 'bytes'),
    fact('kneeBytes', 'kneeBytes', knee?.memoryBytes ?? null, 'bytes'),
    ...(forTarget === null
      ? []
      : [fact('targetBytes', 'targetBytes', forTarget.point?.memoryBytes ?? null, 'bytes')]),
    fact('windowSeconds', 'windowSeconds', windowSeconds, 'seconds'),
    fact('valid', 'valid', valid, 'text'),
    fact('seenShare', 'seenShare', seenShare, 'ratio'),
    fact('sampleRate', 'sampleRate', sampleRate, 'ratio'),
  ];
}
