import type { MemoryPoint } from '../../curves/what-if.ts';
import type { ChangeWorth } from '../../curves/worth.ts';
import {
  counted,
  formatBounded,
  formatBytes,
  formatCell,
  formatRange,
  formatRatio,
  formatRatioRange,
  formatSeconds,
} from '../../render/units.ts';
import type { WhatifResult } from './result.ts';

/** `92.0 % of 1,020 reads/s hit, with 256.0 MB and allkeys-lru` */
export function conclusionOf({
  hitRate,
  reads,
  windowSeconds,
  todayBytes,
  policy,
  serverPolicy,
}: WhatifResult): string {
  if (hitRate === null) return `no reads were observed in ${formatSeconds(Math.round(windowSeconds))}`;
  const rate =
    windowSeconds === 0
      ? counted(reads, 'read')
      : formatCell(reads / windowSeconds, 'perSecond').replace('/s', ' reads/s');
  return `${formatRatio(hitRate)} of ${rate} hit, with ${formatBytes(todayBytes)} and ${serverPolicy ?? policy}`;
}

/** The answers about memory. @param option by which the window is made longer */
export function memoryTexts(result: WhatifResult, option = '--for'): (string | false | null)[] {
  const { today, half, twice, knee, leanest, forTarget, hitRate, todayBytes, hasEvicted } = result;
  if (hitRate === null) return [];
  const text = (what: string, point: MemoryPoint) => pointText(what, point, result, option);
  return [
    isOtherPolicy(result) && today !== null && text(`${result.policy} and the memory of today`, today),
    half && text('half the memory', half) + worthText(result.halfWorth),
    hasEvicted
      ? twice && text('twice the memory', twice) + worthText(result.twiceWorth)
      : 'more memory: no more hits, for nothing was evicted',
    leanest &&
      `${formatBytes(todayBytes - leanest.memoryBytes)} could go: ${formatBytes(leanest.memoryBytes)} keep 99 % of the hits`,
    knee &&
      (hasEvicted || knee.timesToday < 1) &&
      `the curve bends at ${formatBytes(knee.memoryBytes)}, with ${formatRatio(knee.hitRate ?? 0)}: from there on more memory adds less`,
    forTarget && targetText(forTarget),
  ];
}

/** `half the memory, 128.0 MB: 85.1 % (84.0 % to 86.2 %), 12,300 misses more a day` */
function pointText(what: string, point: MemoryPoint, result: WhatifResult, option: string): string {
  const { memoryBytes, hitRate, hitRateInterval, extraMissesPerDay } = point;
  const start = `${what}, ${formatBytes(memoryBytes)}`;
  if (hitRateInterval === null) return `${start}: the sample has too few reads to tell`;
  if (hitRate === null)
    return `${start}: ${formatRatioRange(hitRateInterval)}; ${longerText(point, result, option)}`;
  const today = result.hitRate ?? 0;
  const isSure = hitRateInterval[1] < today || hitRateInterval[0] > today;
  const misses =
    extraMissesPerDay === null || !isSure
      ? 'no difference that this window shows'
      : `about ${formatCell(threeFigures(Math.abs(extraMissesPerDay)), 'count')} misses ${extraMissesPerDay < 0 ? 'fewer' : 'more'} a day at this traffic`;
  return `${start}: ${formatBounded(hitRate, hitRateInterval, formatRatio)}, ${misses}`;
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
  const amount = `${amountText(Math.abs(saved))} an hour (${formatRange([from, to], amountText)})`;
  const memory =
    cost === null ? '' : `, the memory costs ${amountText(Math.abs(cost))} ${cost > 0 ? 'more' : 'less'}`;
  return `; ${saved > 0 ? 'saves' : 'loses'} ${amount}${memory}`;
}

/** More are not known of a day that has not been. */
export const threeFigures = (amount: number) => Math.round(Number(amount.toPrecision(3)));

/** A window fills memory ever more slowly, so it has to be longer by more than what is missing. */
function longerText(
  { timesToday }: MemoryPoint,
  { seenShare, windowSeconds }: WhatifResult,
  option: string,
): string {
  const times = timesToday / Math.max(seenShare, 1e-3);
  return times > 1
    ? `a window of more than ${formatSeconds(Math.ceil(times * windowSeconds))} (${option}) would narrow it`
    : `a longer window (${option}) would narrow it`;
}

function targetText({ hitRate, point, isReachable }: NonNullable<WhatifResult['forTarget']>): string {
  const rate = formatRatio(hitRate);
  if (point !== null) return `${rate} takes ${formatBytes(point.memoryBytes)}`;
  return isReachable === false
    ? `no memory reaches ${rate}: the rest is misses of keys that expired, were removed, or were never cached`
    : `which memory reaches ${rate} cannot be told from this window`;
}

/** The namespace that saves least for the memory that it takes. */
export function leastEarningText({ namespaces, gigabyteHourCost: cost }: WhatifResult): string | null {
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

export function modelText({ hitRate, modelledHitRate }: WhatifResult): string | null {
  if (hitRate === null || modelledHitRate === null || Math.abs(hitRate - modelledHitRate) < largeError)
    return null;
  return (
    `for the memory of today the model says ${formatRatio(modelledHitRate)}, and the server counted ${formatRatio(hitRate)}: ` +
    'the curve is moved there, and may be off by as much elsewhere'
  );
}

/** Namespaces whose keys may not come back when they are evicted. */
export function lossText({ namespaces }: WhatifResult): string | null {
  const names = namespaces.flatMap(({ namespace, refilled, hitRate }) =>
    refilled === false && (hitRate ?? 0) > 0 ? [`\`${namespace}\``] : [],
  );
  if (names.length === 0) return null;
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return (
    `misses of ${names.slice(0, 3).join(', ')}${more} are not followed by a write: an evicted key may never come back, ` +
    'so the lower bounds for less memory leave out all hits there'
  );
}

const isOtherPolicy = ({ serverPolicy, policy }: WhatifResult) =>
  serverPolicy !== null && serverPolicy !== 'noeviction' && serverPolicy !== policy;

export function policyText(result: WhatifResult): string | null {
  const { serverPolicy, policy } = result;
  if (serverPolicy === policy || serverPolicy === null) return null;
  return serverPolicy === 'noeviction'
    ? `the policy of the server is noeviction, and writes fail when its memory is full: the figures are those of ${policy}`
    : `the policy of the server is ${serverPolicy}: the figures are those of ${policy}`;
}

export function sampleText(result: WhatifResult): string {
  const { sampledKeys, sampledAccesses, sampleRate, seenShare, sizesKnown, windowSeconds, from } = result;
  const share = sampleRate >= 1 ? 'all keys' : `${formatRatio(sampleRate)} of the keys`;
  return (
    `${formatSeconds(Math.round(windowSeconds))}${from === null ? '' : `, from ${from}`}: ${counted(sampledAccesses, 'access', 'accesses')} of ` +
    `${counted(sampledKeys, 'key')} (${share}), sizes of ${formatRatio(sizesKnown)} of them; the window filled ` +
    `${formatRatio(Math.min(1, seenShare))} of the memory of today`
  );
}
