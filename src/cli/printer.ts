import {
  type Audience,
  type Execution,
  isReportFormat,
  type Outcome,
  type OutputFormat,
  outputFormats,
  type ReportFormat,
  type RowSink,
} from '../commands/context.ts';
import type { OwnLookups } from '../redis/lookups.ts';
import { type Block, caveatsOf, type Cell, type Column, type NoteBlock } from '../render/blocks.ts';
import { pick } from '../support/collections.ts';
import { maskedText } from '../support/masked.ts';
import { jsonText } from '../render/json-text.ts';
import { wrapped } from '../render/wrap.ts';
import { printableLines } from '../render/printable.ts';
import type { Failure } from './failures.ts';
import type { Interruption, Io } from './io.ts';
import type { GlobalOptions } from './options.ts';
import { terminalTextOf } from './terminal.ts';

/** The version of the JSON form of all results, which docs/output.md describes: names are only ever added to it. */
export const schemaVersion = 2;

/** The one way to stdout and stderr: results in the format asked for, and messages for the person. */
export class Printer {
  private readonly format: OutputFormat;
  private readonly report: ReportFormat | null;
  private rows: { readonly name: string; count: number } | undefined;

  constructor(
    private readonly io: Io,
    /** Null where the command line names no command. */
    private readonly command: string | null,
    private readonly options: GlobalOptions,
  ) {
    const { output } = options;
    this.report = isReportFormat(output) ? output : null;
    this.format = output === undefined || isReportFormat(output) ? defaultFormat(io) : output;
  }

  /** Resolves when the text has been handed on; a reader that went away is reported by the signal, not here. */
  write(text: string | Buffer): Promise<void> {
    if (text.length === 0 || this.isUnread) return Promise.resolve();
    return new Promise((resolve) => {
      let waits = false;
      const flushed = this.io.stdout.write(text, () => {
        if (waits) resolve();
      });
      if (flushed) resolve();
      else waits = true;
    });
  }

  /** For people: on stderr, and only where the result is a table. */
  async show(blocks: readonly Block[]): Promise<void> {
    if (this.format === 'table') await this.remark(blocks);
  }

  /** For people: on stderr. */
  async remark(blocks: readonly Block[]): Promise<void> {
    if (this.options.quiet === true) return;
    this.io.stderr.write(await terminalTextOf(blocks, this.io, 'stderr', this.options.color));
  }

  /** On stdout as for a terminal, whatever the format. */
  async print(blocks: readonly Block[], linesBehind = 0): Promise<void> {
    await this.write(await terminalTextOf(blocks, this.io, 'stdout', this.options.color, linesBehind));
  }

  warn(text: string): void {
    if (this.options.quiet !== true) this.fail(warningText(text));
  }

  /** How many lines of the terminal it takes. */
  linesOfWarning(text: string): number {
    if (this.options.quiet === true || this.io.stderr.isTTY !== true) return 0;
    return this.shown(warningText(text)).split('\n').length - 1;
  }

  private caution({ text, tone }: NoteBlock): void {
    if (tone === 'warning' || tone === 'bad') this.warn(text);
    else if (this.options.quiet !== true) this.fail(`note: ${printableLines(maskedText(text))}\n`);
  }

  /** On stderr as it is; on a terminal in lines that break no word, and no command to copy. */
  fail(text: string): void {
    this.io.stderr.write(this.shown(text));
  }

  private shown(text: string): string {
    const { stderr } = this.io;
    return stderr.isTTY === true ? wrapped(text, stderr.columns || 80).join('\n') : text;
  }

  async openRows(name: string, columns: readonly Column[]): Promise<RowSink> {
    const { rowWriter } = await import('../render/rows.ts');
    const rows = { name, count: 0 };
    this.rows = rows;
    const writer = rowWriter(this.format, columns, name);
    const head =
      this.format === 'json'
        ? `{"schemaVersion":${schemaVersion},"command":${JSON.stringify(this.command)},"${name}":[`
        : writer.head;
    await this.write(head);
    return {
      row: (cells: readonly Cell[], record: object) => this.write(writer.row(cells, record, rows.count++)),
    };
  }

  /** Prints the result, or what JSON shows in its place. @param linesBehind that messages on the same terminal will take */
  async finish<Result extends object>(
    execution: Execution<Result>,
    outcome: Outcome<Result> | undefined,
    failure: Failure | undefined,
    own: OwnLookups,
    linesBehind = 0,
  ): Promise<void> {
    const result = outcome?.result;
    const view = (isPerson: boolean, seen: Audience['seen']) =>
      result === undefined ? [] : execution.view(result, own, { isPerson, seen });
    const caveats = caveatsOf(view(true, null));
    await this.writeResult(execution, outcome, failure, own, { view, caveats, linesBehind });
    const isPerson = this.format === 'table' && this.report === null;
    // On a terminal they are in what is printed, but for rows, which are printed already. A failure says more.
    if (failure !== undefined || (isPerson && this.rows === undefined)) return;
    // A reader that went away, or a disk that is full, is seen by now.
    await new Promise(setImmediate);
    if (!this.isUnread) for (const caveat of caveats) this.caution(caveat);
  }

  private get isUnread(): boolean {
    const reason = this.io.signal.reason as Interruption | undefined;
    return reason === 'EPIPE' || reason === 'EWRITE';
  }

  private async writeResult<Result extends object>(
    execution: Execution<Result>,
    outcome: Outcome<Result> | undefined,
    failure: Failure | undefined,
    own: OwnLookups,
    {
      view,
      caveats,
      linesBehind,
    }: {
      readonly view: (isPerson: boolean, seen: Audience['seen']) => readonly Block[];
      readonly caveats: readonly NoteBlock[];
      readonly linesBehind: number;
    },
  ): Promise<void> {
    const result = outcome?.result;
    const isPerson = this.format === 'table' && this.report === null;
    if (this.report !== null) {
      const render = execution.formats?.[this.report];
      if (result !== undefined && render !== undefined) await this.write(await render(result));
      return;
    }
    if (this.format === 'json' || this.format === 'ndjson') {
      const texts = caveats.map(({ text }) => text);
      await this.write(this.machineText(execution, result, failure, own, texts));
      return;
    }
    const all = view(isPerson, outcome?.seen ?? null).filter(
      (block) => block.kind !== 'note' || block.isCost !== true || this.options.quiet !== true,
    );
    const blocks = this.rows === undefined ? all : all.filter((block) => !caveatsOf([block]).length);
    if (blocks.length === 0) return;
    if (isPerson) return this.print(blocks, linesBehind);
    const { renderCsv, renderTsv } = await import('../render/rows.ts');
    await this.write(
      this.format === 'csv'
        ? renderCsv(blocks, execution.rows)
        : renderTsv(blocks, execution.oneTable !== true),
    );
  }

  private machineText<Result extends object>(
    execution: Execution<Result>,
    result: Result | undefined,
    failure: Failure | undefined,
    { hits, misses, lost }: OwnLookups,
    caveats: readonly string[],
  ): string {
    const error = failure ? pick(failure, ['kind', 'code', 'message', 'hint']) : null;
    const status = { ok: error === null, error, ownLookups: { hits, misses, lost }, caveats };
    const fields: Record<string, unknown> = { ...execution.blank, ...result };
    const head = { schemaVersion, command: this.command };
    if (this.rows !== undefined) {
      const { [this.rows.name]: _streamed, ...rest } = fields;
      const tail = { ...status, ...rest };
      if (this.format === 'json') return `],${jsonText(tail).slice(1)}\n`;
      return `${jsonText({ record: 'summary', ...head, ...tail })}\n`;
    }
    if (this.format === 'json') return `${jsonText({ ...head, ...status, ...fields }, 2)}\n`;
    const name = execution.rows;
    const { [name ?? '']: list, ...rest } = fields;
    const lines: object[] =
      name === undefined || !Array.isArray(list) ? [] : list.map((row: object) => ({ record: name, ...row }));
    return [...lines, { record: 'summary', ...head, ...status, ...rest }]
      .map((line) => `${jsonText(line)}\n`)
      .join('');
  }
}

/** The format of the environment, else for a pipe the one of the command, where the person has given none. */
export function withFormat(options: GlobalOptions, io: Io, inPipe: OutputFormat | undefined): GlobalOptions {
  if (options.output !== undefined) return options;
  const named = outputFormats.find((format) => format === io.variables['CACHECTL_OUTPUT']);
  if (named !== undefined) return { ...options, output: named, outputOrigin: 'CACHECTL_OUTPUT' };
  if (inPipe === undefined || io.stdout.isTTY === true) return options;
  return { ...options, output: inPipe, outputOrigin: 'default: a pipe' };
}

const warningText = (text: string) => `warning: ${printableLines(maskedText(text))}\n`;

const defaultFormat = (io: Io): OutputFormat => (io.stdout.isTTY === true ? 'table' : 'tsv');
