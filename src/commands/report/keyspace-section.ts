import { type Html, html } from '../../render/html.ts';
import { type Box, treemapOf } from '../../render/treemap.ts';
import { counted, formatBytes, formatRatio, formatSeconds } from '../../render/units.ts';
import { otherName } from '../../keyspace/segment-tree.ts';
import type { HitsResult } from '../hits/result.ts';
import { endOfChain, type Level, sumOf, treeOf } from '../inspect/namespace-table.ts';
import type { InspectResult } from '../inspect/result.ts';
import { type NamespaceSummary, rowName, type SpanSeconds } from '../namespace-summary.ts';
import { type PageColumn, section, spanLabels, tableOf } from './parts.ts';
import { idleBytesOf, sizesOf } from './spread-section.ts';

/** A page is for looking at: more boxes than this are dust, and more pictures make it heavy. */
const [mostBoxes, mostPictures] = [60, 80];
/** In the table; the pictures have more of them. */
const mostKeys = 12;

export function keyspaceOf(inspect: InspectResult, hits: HitsResult | null): Html {
  return html`${section(
    'What is in there',
    'Each box is as large as its share. One with parts opens; the browser’s Back, or the link above the picture, leads out.',
    picturesOf(inspect, hits),
    tableOf('Namespaces', namespaceColumns(inspect), inspect.namespaces),
  )}${section('How long keys live', null, timesOf(inspect), idleBytesOf(inspect))}${sizesSection(inspect)}${section(
    'What could go',
    null,
    couldGo(inspect),
    tableOf('Largest keys', keyColumns, inspect.largest.slice(0, mostKeys)),
  )}`;
}

function sizesSection(inspect: InspectResult): Html | null {
  const sizes = sizesOf(inspect);
  return sizes && section('How large keys are', null, sizes);
}

const measures = [
  { name: 'bytes', text: 'by bytes' },
  { name: 'keys', text: 'by keys' },
  { name: 'misses', text: 'by misses' },
] as const;
type Measure = (typeof measures)[number]['name'];

/** A picture of a level: its boxes by each measure, and the way out of it. */
interface Picture {
  readonly id: string;
  readonly title: string;
  readonly parent: string | null;
  readonly boxes: Readonly<Record<Measure, readonly Box[]>>;
}

function picturesOf({ namespaces, largest }: InspectResult, hits: HitsResult | null): Html {
  const misses = new Map(hits?.namespaces.map((each) => [each.namespace, each.misses ?? 0]));
  const pictures: Picture[] = [];
  /** @returns the id of the picture of this level; null where there is nothing to see in it */
  const draw = (start: Level, label: string, parent: string | null, color: number | null): string | null => {
    const { level } = endOfChain(start, '');
    if (pictures.length >= mostPictures) return null;
    const id = `part-${pictures.length}`;
    const place = pictures.push({ id, title: label, parent, boxes: { bytes: [], keys: [], misses: [] } }) - 1;
    const children = [...level.children].map(([segment, child], index) => {
      const end = child.mapped ? { level: child, label: segment } : endOfChain(child, segment);
      return { ...end, sums: sumOf(end.level), color: color ?? index };
    });
    const keysBelow =
      level.row === undefined
        ? []
        : largest.filter((each) => each.namespace === rowName(level.row as NamespaceSummary));
    if (children.length === 0 && keysBelow.length < 2) {
      pictures.pop();
      return null;
    }
    children.sort((left, right) => (right.sums.memoryBytes ?? 0) - (left.sums.memoryBytes ?? 0));
    const ranked = children.map((each, rank) => ({ ...each, color: color ?? rank }));
    const boxes = ranked.map((each) => {
      const name = parent === null ? each.label : `${label}${each.label}`;
      const href = draw(each.level, name, id, each.color);
      const common = {
        name: each.label,
        parts: [],
        href: href && `#${href}`,
        color: each.label === otherName ? null : each.color,
      };
      return {
        bytes: { ...common, size: each.sums.memoryBytes ?? 0, text: formatBytes(each.sums.memoryBytes ?? 0) },
        keys: { ...common, size: each.sums.keys, text: counted(each.sums.keys, 'key') },
        misses: {
          ...common,
          size: misses.get(each.label) ?? 0,
          text: counted(misses.get(each.label) ?? 0, 'miss', 'misses'),
        },
      };
    });
    const own = keyBoxes(keysBelow, level.row?.memoryBytes ?? 0, color);
    pictures[place] = {
      ...{ id, title: label, parent },
      boxes: {
        bytes: summedUp([...boxes.map(({ bytes }) => bytes), ...own], formatBytes),
        keys: summedUp(
          boxes.map((each) => each.keys),
          (size) => counted(size, 'key'),
        ),
        misses:
          parent === null
            ? summedUp(
                boxes.map((each) => each.misses),
                (size) => counted(size, 'miss', 'misses'),
              )
            : [],
      },
    };
    return id;
  };
  draw(treeOf(namespaces), 'All keys', null, null);
  const shown = measures.filter(({ name }) => pictures[0]?.boxes[name].some(({ size }) => size > 0));
  const chosen = shown.map(
    ({ name, text }, index) =>
      html`<label
        ><input type="radio" name="measure" id="by-${name}" ${index === 0 ? html` checked` : null} />
        ${text}</label
      >`,
  );
  return html`<div class="parts">
    <fieldset class="measures">
      <legend>Size of boxes</legend>
      ${chosen}
    </fieldset>
    ${pictures.map(pictureMarkup)}
  </div>`;
}

/** The largest keys of a namespace, and all others together. */
function keyBoxes(keys: InspectResult['largest'], memoryBytes: number, color: number | null): Box[] {
  const left = memoryBytes - keys.reduce((sum, each) => sum + each.memoryBytes, 0);
  const boxes = keys.map(({ key, memoryBytes: size }) => ({
    ...{ name: key, text: formatBytes(size), size, parts: [], color, href: null },
  }));
  const rest = {
    name: 'other keys',
    text: formatBytes(left),
    size: left,
    parts: [],
    color: null,
    href: null,
  };
  return left > 0 && keys.length > 0 ? [...boxes, rest] : boxes;
}

/** The largest boxes, and what is left as one. */
function summedUp(boxes: readonly Box[], textOf: (size: number) => string): Box[] {
  const ordered = boxes.filter(({ size }) => size > 0).sort((left, right) => right.size - left.size);
  const [shown, left] = [ordered.slice(0, mostBoxes), ordered.slice(mostBoxes)];
  if (left.length === 0) return shown;
  const size = left.reduce((sum, each) => sum + each.size, 0);
  return [
    ...shown,
    { name: `${left.length} others`, text: textOf(size), size, parts: [], color: null, href: null },
  ];
}

function pictureMarkup({ id, title, parent, boxes }: Picture): Html {
  const out = parent === null ? null : html`<a class="out" href="#${parent}">← out of ${title}</a>`;
  const pictures = measures.flatMap(({ name, text }) =>
    boxes[name].length === 0
      ? []
      : [html`<div class="by by-${name}">${treemapOf(boxes[name], `${title} ${text}`)}</div>`],
  );
  return html`<div class="part" id="${id}">
    <h3>${title}</h3>
    ${out}${pictures}
  </div> `;
}

function namespaceColumns({ memoryBytes: whole }: InspectResult): PageColumn<NamespaceSummary>[] {
  const keys = (row: NamespaceSummary) => row.keysInterval;
  const bytes = (row: NamespaceSummary) => row.memoryBytesInterval;
  return [
    { header: 'Namespace', unit: 'text', value: rowName },
    { header: 'Keys', unit: 'count', value: (row) => row.keys, interval: keys },
    {
      ...{ header: 'Memory', unit: 'bytes', value: (row) => row.memoryBytes, interval: bytes },
      share: (row) => (whole ? (row.memoryBytes ?? 0) / whole : null),
    },
    {
      header: 'Without a TTL',
      unit: 'count',
      value: (row) => row.withoutTtl,
      interval: (row) => row.withoutTtlInterval,
    },
    {
      header: 'Longest TTL left',
      unit: 'seconds',
      value: (row) => row.ttl && Math.round(row.ttl.maxSeconds),
    },
    {
      header: 'Types',
      unit: 'text',
      value: ({ types }) => (types === null ? null : Object.keys(types).join(', ')),
    },
  ];
}

const keyColumns: readonly PageColumn<InspectResult['largest'][number]>[] = [
  { header: 'Key', unit: 'text', value: ({ key }) => key },
  { header: 'Memory', unit: 'bytes', value: ({ memoryBytes }) => memoryBytes },
  { header: 'Type', unit: 'text', value: ({ type }) => type },
  { header: 'Namespace', unit: 'text', value: ({ namespace }) => namespace },
];

function timesOf({ total }: InspectResult): Html {
  const { ttlHistogram, idleHistogram, withoutTtl, frequencyHistogram } = total;
  const why =
    frequencyHistogram === null
      ? 'they could not be read'
      : 'under an LFU policy the server keeps no idle times';
  return html`<div class="pair">
    ${
      ttlHistogram === null
        ? html`<p>TTLs could not be read.</p>`
        : histogramOf('Time left', ttlHistogram, withoutTtl, 'no TTL')
    }${idleHistogram === null ? html`<p>No idle times: ${why}.</p>` : histogramOf('Time since the last use', idleHistogram, null, '')}
  </div>`;
}

interface Bar {
  readonly label: string;
  readonly keys: number;
  readonly memoryBytes: number | null;
}

function histogramOf(
  title: string,
  spans: readonly SpanSeconds[],
  extra: number | null,
  extraLabel: string,
): Html {
  const labels = spanLabels(spans);
  const bars: Bar[] = spans.map(({ keys, memoryBytes }, index) => ({
    ...{ label: labels[index] ?? '', keys, memoryBytes },
  }));
  const all =
    extra === null || extra === 0 ? bars : [...bars, { label: extraLabel, keys: extra, memoryBytes: null }];
  const most = Math.max(1, ...all.map(({ keys }) => keys));
  return tableOf<Bar>(
    title,
    [
      { header: title, unit: 'text', value: ({ label }) => label },
      { header: 'Keys', unit: 'count', value: ({ keys }) => keys, share: ({ keys }) => keys / most },
      { header: 'Memory', unit: 'bytes', value: ({ memoryBytes }) => memoryBytes },
    ],
    all,
  );
}

/** Idle for longer than this, a key of a cache has had its time. */
const idleSeconds = 7 * 86_400;

interface Candidate {
  readonly namespace: string;
  readonly withoutTtl: number | null;
  readonly withoutTtlBytes: number | null;
  readonly idleKeys: number;
  readonly idleBytes: number | null;
}

function couldGo({ namespaces, memoryBytes }: InspectResult): Html {
  const candidates = namespaces
    .filter(({ kind }) => kind !== 'state')
    .map((row): Candidate => {
      const idle =
        row.idleHistogram?.filter((_, index, spans) => (spans[index - 1]?.upToSeconds ?? 0) >= idleSeconds) ??
        [];
      const bytes = idle.map((span) => span.memoryBytes ?? 0);
      return {
        namespace: rowName(row),
        withoutTtl: row.withoutTtl,
        withoutTtlBytes: row.withoutTtlMemoryBytes,
        idleKeys: idle.reduce((sum, { keys }) => sum + keys, 0),
        idleBytes: row.idleHistogram === null ? null : bytes.reduce((sum, each) => sum + each, 0),
      };
    })
    .filter(({ withoutTtl, idleKeys }) => (withoutTtl ?? 0) + idleKeys > 0)
    .sort(
      (left, right) =>
        (right.withoutTtlBytes ?? 0) +
        (right.idleBytes ?? 0) -
        (left.withoutTtlBytes ?? 0) -
        (left.idleBytes ?? 0),
    );
  if (candidates.length === 0)
    return html`<p>
      Every key of a cache has a TTL, and none has been idle for ${formatSeconds(idleSeconds)}.
    </p>`;
  const persistent = candidates.reduce((sum, each) => sum + (each.withoutTtlBytes ?? 0), 0);
  const share = memoryBytes ? ` (${formatRatio(persistent / memoryBytes)} of the bytes)` : '';
  return html`<p>${formatBytes(persistent)}${share} are in keys of caches that never expire.</p>
    ${tableOf(
      `Keys without a TTL, and idle for ${formatSeconds(idleSeconds)} or more`,
      [
        { header: 'Namespace', unit: 'text', value: ({ namespace }) => namespace },
        { header: 'Without a TTL', unit: 'count', value: ({ withoutTtl }) => withoutTtl },
        { header: 'Their memory', unit: 'bytes', value: ({ withoutTtlBytes }) => withoutTtlBytes },
        { header: 'Idle', unit: 'count', value: ({ idleKeys }) => idleKeys },
        { header: 'Their memory', unit: 'bytes', value: ({ idleBytes }) => idleBytes },
      ],
      candidates,
    )}`;
}
