import { jsonText } from '../../src/render/json-text.ts';

/** Fields of JSON, lines of a pipe and properties of JUnit whose number is the machine's, the moment's or the server's. */
const volatileNumbers = [
  ...[
    'uptimeSeconds',
    'operationsPerSecond',
    'usedBytes',
    'peakBytes',
    'fragmentation',
    'fragmentationBytes',
  ],
  ...[
    'residentMemoryBytes',
    'serverCpuSeconds',
    'durationSeconds',
    'windowSeconds',
    'connectMillis',
    'cpuRatio',
  ],
  ...['medianMillis', 'maxMillis', 'roundTripMillis', 'maxLagSeconds', 'readsPerSecond', 'missesPerSecond'],
  ...['bytesInPerSecond', 'bytesOutPerSecond', 'monitorBytes', 'eventBytes', 'receivedBytes', 'pid'],
  ...[
    'p50Micros',
    'p90Micros',
    'p95Micros',
    'p99Micros',
    'p999Micros',
    'p9999Micros',
    'minMicros',
    'meanMicros',
    'maxMicros',
  ],
  ...[
    'stddevMicros',
    'samples',
    'throughputPerSecond',
    'bytesPerSecond',
    'throughputVariation',
    'clientUtilization',
    'clientStarvation',
  ],
  ...['commandsProcessed', 'ownCommands', 'ratePerSecond', 'idleSeconds', 'actual'],
];
/** Of `check`, whose `value` is one of these. */
const volatileChecks = ['connect', 'round-trip', 'latency', 'memory', 'fragmentation'];

/** Lists in the order in which SCAN came by, which is another for each server process; and objects filled in that order. */
const unorderedLists = ['sample', 'items', 'largest', 'onlyInA', 'onlyInB', 'differences'];
const unorderedObjects = ['types', 'typesIntervals', 'encodings', 'encodingsIntervals'];

const names = volatileNumbers.join('|');

/** In this order, on all of a section. */
const textRules: readonly (readonly [RegExp, string | ((whole: string, ...groups: string[]) => string)])[] = [
  [/127\.0\.0\.1:\d{2,}/g, '127.0.0.1:<port>'],
  // Of `bench`: how many there are depends on the latencies.
  [/("percentiles": ?)\[[^\]]*\]/g, '$1<list>'],
  [/p0 to p100 .*$/gm, 'p0 to p100 <curve>'],
  [new RegExp(`^((?:\\w+\\t)?(?:${names})(?:\\t|: ))-?[\\d.e-]+(?=$|<)`, 'gm'), '$1<number>'],
  [new RegExp(`("(?:${names})": ?)-?[\\d.e-]+`, 'g'), '$1<number>'],
  // A TTL, and a mean of them, is a part of a second below what was written.
  [
    /([\t,]|"ttl(?:Seconds)?":)(\d{3,}\.\d+)(?![.\d])/g,
    (_, before = '', seconds = '') => `${before}${Math.ceil(Number(seconds))}`,
  ],
  [/("expiresAtMillis":\d+)\d{3}\b/g, '$1<millis>'],
  [/2026-01-15T11:00:0\d\.(?!000)\d{3}Z/g, '<moment>'],
  // The cost is one line, however long its figures are.
  [
    /cost to the server: [\s\S]*?(?:alone|keyspace_\w+(?!\w|\s+and)|read\s+within\s+[\d.]+\s\S+|taken\s+off)(?=\n(?!·)|$)/g,
    (note) => note.replace(/\n\s*/g, ' '),
  ],
  [/[\d,]+(?:\.\d+)? (?:µs|ms)\b/g, '<time>'],
  [/, <time> of its CPU/g, ''],
  [/(intervals?, )[\d.]+ s\b/g, '$1<time>'],
  [/ [\d.]+ k?B (sent|of commands|of events)/g, ' <size> $1'],
  [/^( {2}(?:uptime|operations|used|peak|fragmentation|idle) +)\d\S*(?: [kM]?B| m?s)?/gm, '$1<number>'],
  [/^( {2}memory +)[\d.]+ [kM]?B(?= {2}(?:no limit|limit|[\d.]+ %))/gm, '$1<number>'],
  [/(\bpeak )[\d.]+ [kM]?B(, .*fragmentation )[\d.]+/g, '$1<size>$2<number>'],
  [/( clients; .*, up )[\d hms]+$/gm, '$1<time>'],
  [/[\d,.]+ reads\/s/g, '<rate> reads/s'],
  [/[\d.]+ % of a core/g, '<share> of a core'],
  [/ *\b[\d,.]+\/s/g, '  <rate>/s'],
  [/^(namespaces(?:\t[^\t\n]*){9}\t|\w+,3(?:,[^,\n]*){7},)\d[\d.]*(?=[\t,])/gm, '$1<rate>'],
  // TTLs have another number of digits.
  [/^export\tfileBytes\t\d+/gm, 'export\tfileBytes\t<number>'],
  [/(exported [\d,]+ keys?) \([\d.]+ k?B\)/g, '$1 (<size>)'],
  [/[\d.]+ MB used/g, '<size> used'],
  [/ratio [\d.]+, of [\d.]+ MB/g, 'ratio <number>, of <size>'],
  [/none in \d+[ dhms\d]*/g, 'none in <time>'],
  [
    /^(cachectl_(?:read_|own_|uptime|commands?_|network_|cpu_|memory_(?!max)|connected_|namespaces_read)\S* )[\d.e-]+$/gm,
    '$1<number>',
  ],
  [/ time="[\d.]+"/g, ' time="<number>"'],
];

/** What a section of a golden file shows of what was printed; each rule leaves all that does not differ between two runs. */
export function normalized(printed: string, command: string): string {
  const text = printed
    // Cut in the middle as well, where a table has no room.
    .replace(/\/tmp\/cachectl-golden-\w*/g, '<folder>')
    .split(/(^\{\n[\s\S]*?^\}\n|^\{.*\}\n)/m)
    .map((part) => (part.startsWith('{') ? normalizedJson(part, /^config init/.test(command)) : part))
    .join('');
  const result = textRules.reduce((left, [volatile, name]) => left.replace(volatile, name as string), text);
  return ordered(/^(?:bench|watch)/.test(command) ? withoutFigures(result) : result, command);
}

/** Whole documents, or the lines of NDJSON: their form is held, and what differs in them named by its field. */
function normalizedJson(text: string, isFirstMap: boolean): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text;
  }
  const indent = text.startsWith('{\n') ? 2 : undefined;
  if (`${jsonText(value, indent)}\n` !== text) return text;
  return `${jsonText(stable(value, '', isFirstMap ? [...unorderedLists, 'namespaces', 'entities'] : unorderedLists), indent)}\n`.replaceAll(
    '"<number>"',
    '<number>',
  );
}

function stable(value: unknown, name: string, unordered: readonly string[]): unknown {
  if (Array.isArray(value)) {
    const list = value.filter((each) => !isOfBusyMachine(each)).map((each) => stable(each, '', unordered));
    return unordered.includes(name)
      ? list
          .map((each) => [jsonText(each), each] as const)
          .sort()
          .map(([, each]) => each)
      : list;
  }
  if (typeof value === 'number') {
    if (volatileNumbers.includes(name)) return '<number>';
    return /(?:^ttl|S)econds$|^ttl$/.test(name) ? Math.ceil(value) : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(
    ([field, each]) => [field, stable(each, field, unordered)] as const,
  );
  if (unorderedObjects.includes(name) || (name !== '' && unordered.includes(name))) entries.sort();
  const fields = Object.fromEntries(entries);
  return volatileChecks.includes(String(fields['id'])) && typeof fields['value'] === 'number'
    ? { ...fields, value: '<number>' }
    : fields;
}

/** A warning of `bench` that a busy machine gets. */
const isOfBusyMachine = (each: unknown) =>
  typeof each === 'object' &&
  each !== null &&
  'kind' in each &&
  (each.kind === 'client-bound' || each.kind === 'starved');

/** Rows of measurements, where the columns are as wide as the figures. */
function withoutFigures(text: string): string {
  return text
    .replace(/^▲ (?:cachectl itself|this machine) was busy.*\n(?: {2}.*\n)*/gm, '')
    .replace(/^ {2,}[A-Z].*$/gm, (header) => header.replace(/ {2,}/g, '  '))
    .replace(/^ +(?:ping|get|set|mixed|yes) .*$/gm, (row) =>
      row
        .replace(/(?<!\S)(?:<time>|<rate>\/s|[\d,.]+(?:\/s)?(?: [kM]B)?)(?!\S)/g, '<n>')
        .replace(/ {2,}/g, '  '),
    )
    .replace(/^(?:ping|get|set|mixed|<moment>)[\t,].*$/gm, (row) =>
      row.replace(/(?<=[\t,])[\d.]+(?=[\t,]|$)/g, '<n>'),
    )
    .replace(/throughput [\d,.]+\/s/g, 'throughput <number>/s')
    .replace(/added \d+ to/g, 'added <number> to')
    .replace(/("commands": ?|to the server: )[\d,]+/g, '$1<number>');
}

/** What comes in the order of SCAN, in the order of its text. */
function ordered(text: string, command: string): string {
  const result = text
    .replace(/(?<="items":\[\n)[\s\S]*?(?=\],"ok")/, (rows) => rows.split(',\n').sort().join(',\n'))
    .replace(/(?:^(?:sample|largest|onlyInA|onlyInB|differences)\t.*\n)+/gm, sortedLines)
    .replace(/(?:^\{"(?:record":"items|key)"(?!.*\],"ok").*\n)+/gm, sortedLines)
    .replace(/(?:^(?:extra|missing|type|value|ttl),.*\n)+/gm, sortedLines)
    .replace(/(?:^ {2}(?:extra|missing|type|value|ttl) {2}.*\n)+/gm, sortedLines)
    .replace(/(?<=^ {2}(?:PLAN +)?THE KEYS\n)(?:^ {2}.*\n)+/gm, sortedLines);
  if (/^keys\b/.test(command)) {
    const rows = /(?<=^--- stdout\n(?:.* TYPE .*\n|key,.*\n)?)(?:^(?! .* TYPE |key,|---|[{}]).*\n)+/gm;
    return result.replace(rows, sortedLines);
  }
  if (!command.startsWith('config init')) return result;
  // Namespaces with equally many keys.
  return result
    .replace(/(?<=^ {2}"(?:namespaces|entities)": \{\n)[\s\S]*?(?=^ {2}\})/gm, (entries) =>
      entries
        .split(/^(?= {4}\/\/ )/m)
        .map((entry) => entry.replace(/\}\n$/, '},\n'))
        .sort()
        .join(''),
    )
    .replace(/(?:^ {2}\S+ +\S+ +(?:cache|state) .*\n)+/gm, sortedLines)
    .replace(/(?<=touches: )[\w-]+(?:,\s[\w-]+)+/g, (list) => list.split(/,\s/).sort().join(', '));
}

function sortedLines(lines: string): string {
  return lines
    .split(/(?<=\n)/)
    .sort()
    .join('');
}
