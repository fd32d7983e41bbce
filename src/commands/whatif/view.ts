import { type Block, caveats, fact, factsOf, note, notes, type PlotBlock } from '../../render/blocks.ts';
import { fieldsOf, tableOf } from '../../render/table.ts';
import { formatRatio, formatRatioRange } from '../../render/units.ts';
import type { TtlPoint } from '../../curves/ttl-curve.ts';
import type { MemoryPoint } from '../../curves/what-if.ts';
import type { Interval } from '../../support/intervals.ts';
import type { Audience } from '../context.ts';
import { chosenFields, type LayoutInput } from '../namespace-columns.ts';
import { restoredNotes } from '../traffic-columns.ts';
import type { NamespaceAnswer, WhatifResult } from './result.ts';
import {
  conclusionOf,
  leastEarningText,
  lossText,
  memoryTexts,
  modelText,
  policyText,
  sampleText,
  threeFigures,
} from './sentences.ts';

interface TableInput extends LayoutInput {
  readonly limit?: number;
  readonly memory?: readonly number[];
  readonly ttl?: readonly number[];
}

const defaultLimit = 20;

/** The result of `whatif`: for people the answers first, then the curve; as rows figure by figure. */
export function viewWhatif(
  result: WhatifResult,
  input: TableInput,
  { isPerson }: Pick<Audience, 'isPerson'>,
): Block[] {
  const tables = [namespaceTable(result, input), memoryTable(result, input), ...ttlTables(result, input)];
  if (!isPerson) return [factsOf('window', 'Window', ...windowFacts(result)), ...tables];
  const answers = [
    ...notes('plain', ...memoryTexts(result)),
    plotOf(result),
    ...tables,
    ...notes('plain', leastEarningText(result)),
  ];
  const doubts = [modelText(result), policyText(result), lossText(result)];
  const hasReads = result.reads > 0;
  return [
    note('title', conclusionOf(result)),
    ...caveats('bad', ...result.invalidReasons.map((reason) => `this window is not valid: ${reason}`)),
    ...(hasReads ? answers : []),
    ...caveats('warning', ...result.remarks, ...(hasReads ? doubts : [])),
    ...restoredNotes(result.notifications),
    ...notes('dim', hasReads && sampleText(result)),
  ];
}

const plotOf = ({ memory, todayBytes }: WhatifResult): PlotBlock => ({
  ...{ kind: 'plot', title: 'Hit rate by memory', xUnit: 'bytes', yUnit: 'ratio', markedX: todayBytes },
  points: memory.map(({ memoryBytes: x, hitRate: y, hitRateInterval: interval }) => ({ x, y, interval })),
});

const { text, count, ratio, bytes, number, seconds } = fieldsOf<NamespaceAnswer>();

const at = (share: number) => (each: NamespaceAnswer) =>
  each.memory.find((point) => point.timesToday === share);
const rangeCell = (interval: Interval | null | undefined) =>
  interval == null ? null : formatRatioRange(interval);
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
  const hasAsked = asked.length > 0;
  const isShown = ({ timesToday: each }: MemoryPoint) =>
    hasAsked ? each === 1 || asked.some((bytes) => bytes / todayBytes === each) : shownShares.includes(each);
  return tableOf('memory', memory, fields, {
    ...{ title: 'Memory', shown: { rows: memory.filter(isShown) } },
    // What an option asks for is shown on a small screen too.
    ...(!hasAsked && { isSecondary: true as const }),
  });
}

/** With its namespace; the first rows are of all. */
interface TtlRow extends TtlPoint {
  readonly namespace: string;
  readonly currentTtlSeconds: number | null;
}

/** A TTL is of interest to keys whose own is not far from it. */
const isNear = (ttl: number, current: number) => ttl > 0.4 * current && ttl < 5 * current;

function ttlTables({ ttl, namespaces }: WhatifResult, { ttl: asked = [] }: TableInput): Block[] {
  if (ttl.length === 0) return [];
  const of = fieldsOf<TtlRow>();
  const rows = namespaces
    .filter(({ currentTtlSeconds }) => currentTtlSeconds !== null)
    .flatMap(({ namespace: name, currentTtlSeconds, ttl: answers }) =>
      answers.map((answer): TtlRow => ({ ...answer, namespace: name, currentTtlSeconds })),
    );
  const shown = rows.filter(
    ({ ttlSeconds, currentTtlSeconds }) => asked.length > 0 || isNear(ttlSeconds, currentTtlSeconds ?? 0),
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
  const isSecondary = asked.length === 0 && { isSecondary: true as const };
  return [
    tableOf('ttl', rows, fields, {
      ...{ title, shown: { rows: shown }, moreWith: '--output json has all', ...isSecondary },
    }),
  ];
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
