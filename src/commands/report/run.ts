import { spawn } from 'node:child_process';
import { platform } from 'node:os';
import { resolve } from 'node:path';
import type { BenchReport } from '../../bench/result.ts';
import { parseBaseline } from '../../bench/baseline.ts';
import { shortenedKey } from '../../keyspace/shortened-key.ts';
import { usualSample } from '../../curves/sample-limits.ts';
import { InputError } from '../../support/failure.ts';
import { readNamedFile, readNamedJson, writeNamedFile } from '../../support/named-file.ts';
import { sealed, unsealed } from '../../support/sealed.ts';
import { type Block, factsOf } from '../../render/blocks.ts';
import { fieldsOf } from '../../render/table.ts';
import { blankOf } from '../blank.ts';
import { type Context, type Execution, InterruptedError, type Outcome } from '../context.ts';
import { readHits } from '../hits/run.ts';
import { inspectExecution } from '../inspect/run.ts';
import { confirmReplacing } from '../protection.ts';
import type { ReadingInput } from '../reading-options.ts';
import { statsExecution } from '../stats/run.ts';
import { doctorOf } from './doctor.ts';
import { readHistory } from './history.ts';
import { pageOf } from './page.ts';
import { type ReportData, type ReportResult, snapshotFormat } from './result.ts';
import { readWhatif, whatifOf } from './whatif.ts';

export interface ReportInput extends ReadingInput {
  readonly file: string;
  /** Seconds. */
  readonly hits?: number;
  readonly bench?: readonly string[];
  readonly history?: string;
  readonly whatif?: string;
  readonly snapshot?: string;
  readonly from?: string;
  readonly compare?: string;
  readonly force?: true;
  readonly open?: true;
}

/** `report` from its input to its result. */
export function reportExecution(input: ReportInput): Execution<ReportResult> {
  return {
    blank: blankOf<ReportResult>()(
      'file fileBytes snapshotFile createdAt server keys memoryBytes exact comparedWith',
    ),
    run: (context) => report(context, input),
    view: viewReport,
  };
}

/** What a page has room for: of more namespaces the rest is summed up, and of the largest keys the others are left out. */
const [mostNamespaces, mostKeys] = [200, 200];

async function report(context: Context, input: ReportInput): Promise<Outcome<ReportResult>> {
  requireSense(input);
  for (const name of [input.file, input.snapshot])
    await confirmReplacing(context, name === '-' ? undefined : name, input.force);
  const before = input.compare === undefined ? null : await readSnapshot(context, input.compare);
  const bench = await Promise.all((input.bench ?? []).map((name) => readBench(context, name)));
  const history = input.history === undefined ? null : await readHistory(context, input.history);
  const whatif = input.whatif === undefined ? null : await readWhatif(context, input.whatif);
  const read =
    input.from === undefined ? await readServer(context, input) : await savedIn(context, input.from);
  if (read.error !== null || context.signal.aborted) {
    const unwritten = 'no report was written: the figures are those of a part';
    if (read.error === null) throw new InterruptedError(`interrupted; ${unwritten}`);
    context.warnOfResult(unwritten);
    throw read.error;
  }
  const data: ReportData = {
    ...read.data,
    bench: [...read.data.bench, ...bench],
    ...(history !== null && { history }),
    ...(whatif !== null && { whatif }),
  };
  const page = pageOf(withShortenedKeys(data, context.map.delimiters), before);
  const { stats, inspect, createdAt } = data;
  const result: ReportResult = {
    ...{
      file: input.file,
      fileBytes: Buffer.byteLength(page),
      snapshotFile: input.snapshot ?? null,
      createdAt,
    },
    server: stats.server && { address: stats.server.address },
    ...{ keys: inspect.keys, memoryBytes: inspect.memoryBytes, exact: inspect.exact },
    comparedWith: before?.createdAt ?? null,
  };
  if (input.snapshot !== undefined)
    await write(context, input.snapshot, `${JSON.stringify(sealed(data))}\n`, 'the snapshot');
  if (input.file === '-') {
    await context.write(page);
    return { result, printed: true };
  }
  await write(context, input.file, page, 'the report');
  if (input.open === true) openInBrowser(context, resolve(context.environment.workingDirectory, input.file));
  return { result };
}

function requireSense({ file, open, from, hits }: ReportInput): void {
  if (open === true && file === '-')
    throw new InputError('--open needs a file, and `-` is stdout', 'name a file, or leave out --open');
  if (from !== undefined && hits !== undefined)
    throw new InputError(
      '--from and --hits exclude each other',
      'what was saved has its own traffic, or none',
    );
}

interface Read {
  readonly data: ReportData;
  readonly error: Error | null;
}

async function readServer(context: Context, input: ReportInput): Promise<Read> {
  const sample = input.whatif === undefined ? usualSample : undefined;
  const window =
    input.hits === undefined
      ? null
      : await readHits(context, { patterns: [], for: input.hits, keys: 10, maxBytes: 2e9 }, sample);
  const hits = window?.outcome ?? null;
  // Judged by the traffic that the page shows: else it would have a second hit rate, of another time.
  const observed = hits && { report: hits.result, restored: [], failure: null, accesses: null };
  const stats = await statsExecution({ namespaces: false, ...(observed && { observed }) }).run(context);
  const whatif =
    window?.accesses && hits?.error === undefined && hits?.result.reads
      ? await whatifOf(context, hits.result, window.accesses)
      : null;
  const depth = context.map.isEmpty ? {} : { depth: 3 };
  const inspect = await inspectExecution({
    ...{ ...input, ...depth, patterns: [], limit: mostNamespaces, top: mostKeys },
  }).run(context);
  const doctor = await doctorOf(context, inspect.result, hits?.result ?? null);
  return {
    data: {
      format: snapshotFormat,
      createdAt: new Date(context.now()).toISOString(),
      version: context.environment.version,
      ...{
        stats: stats.result,
        doctor: doctor.result,
        inspect: inspect.result,
        hits: hits?.result ?? null,
        whatif,
        bench: [],
      },
    },
    error: stats.error ?? doctor.error ?? hits?.error ?? inspect.error ?? null,
  };
}

const savedIn = async (context: Context, name: string): Promise<Read> => ({
  data: await readSnapshot(context, name),
  error: null,
});

/** @throws InputError where the file is no snapshot of a report */
async function readSnapshot({ environment, signal }: Context, name: string): Promise<ReportData> {
  const failure = (cause: string) => new InputError(`\`${name}\` cannot be read: ${cause}`);
  const path = resolve(environment.workingDirectory, name);
  const loaded = unsealed(await readNamedJson(path, signal, failure));
  if (loaded?.['format'] !== snapshotFormat)
    throw new InputError(
      `\`${name}\` holds no figures of a report, or is not as it was written`,
      'they are written with `cachectl report --snapshot FILE`',
    );
  return loaded as unknown as ReportData;
}

async function readBench(
  { environment, signal }: Context,
  name: string,
): Promise<ReportData['bench'][number]> {
  const failure = (cause: string) => new InputError(`--bench: \`${name}\` cannot be read: ${cause}`);
  const text = (await readNamedFile(resolve(environment.workingDirectory, name), signal, failure)).toString();
  try {
    parseBaseline(text);
  } catch (error) {
    throw failure(error instanceof Error ? error.message : String(error));
  }
  return { name, report: JSON.parse(text) as BenchReport };
}

/** @throws InputError */
async function write(
  { environment, signal }: Context,
  name: string,
  text: string,
  what: string,
): Promise<void> {
  await writeNamedFile(
    resolve(environment.workingDirectory, name),
    text,
    { processes: environment.processes, signal },
    (cause) => new InputError(`${what} \`${name}\` was not written: ${cause}`),
  );
}

/** A page is passed on, and the key of a session is a login. The snapshot, which is not, keeps them whole. */
function withShortenedKeys(data: ReportData, delimiters: readonly string[]): ReportData {
  const { doctor, inspect, hits } = data;
  const shortened = <Row extends { readonly key: string; readonly namespace: string | null }>(
    row: Row,
  ): Row => ({
    ...row,
    key: shortenedKey(row.key, row.namespace ?? '', delimiters),
  });
  const findings = doctor.findings.map((each) => ({
    ...each,
    subject: each.subject && shortenedKey(each.subject, '', delimiters),
  }));
  return {
    ...data,
    doctor: { ...doctor, findings },
    inspect: { ...inspect, largest: inspect.largest.map(shortened) },
    hits: hits && { ...hits, mostMissed: hits.mostMissed.map(shortened) },
  };
}

const openers: Readonly<Record<string, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['explorer'],
};

/** Leaves the browser to itself; where none can be started the page is there all the same. */
function openInBrowser(context: Context, path: string): void {
  const [program, ...words] = openers[platform()] ?? ['xdg-open'];
  spawn(program, [...words, path], { detached: true, stdio: 'ignore' })
    .on('error', () => context.warn(`no browser was opened: \`${program}\` is not there; open ${path}`))
    .unref();
}

function viewReport(result: ReportResult): Block[] {
  const facts = fieldsOf<ReportResult>();
  return [
    factsOf(
      'report',
      'Report',
      ...[
        facts.text('file', 'page'),
        facts.bytes('fileBytes', 'its size'),
        facts.count('keys', 'keys'),
        facts.bytes('memoryBytes', 'memory of keys'),
        facts.text('snapshotFile', 'figures saved to'),
        facts.text('comparedWith', 'compared with'),
      ].flatMap(([column, cell]) => {
        const value = cell(result);
        return value === null ? [] : [{ name: column.name, label: column.header, unit: column.unit, value }];
      }),
    ),
  ];
}
