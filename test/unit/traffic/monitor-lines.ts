import { type ByteString, asBytes } from '../../../src/support/bytes.ts';
import { commandTable } from '../../../src/traffic/rules/command-table.ts';
import { rulesOf } from '../../../src/traffic/rules/counting-rules.ts';
import { lookupsOf } from '../../../src/traffic/rules/lookups.ts';
import { MonitorReader } from '../../../src/traffic/streams/monitor-reader.ts';

const named: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\x07': '\\a',
  '\b': '\\b',
};

/** An argument as MONITOR prints it. @see sdscatrepr in sds.c */
export function printed(argument: string): string {
  const text = argument.replace(
    /[^ !#-[\]-~]/g,
    (character) => named[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return `"${text}"`;
}

/** The bytes of one line, one character each. */
export function lineOf(argv: readonly string[], source = '0 127.0.0.1:5000'): string {
  return `+1700000000.123456 [${source}] ${argv.map(printed).join(' ')}\r\n`;
}

export const table = commandTable(rulesOf('redis'));

/** What the sink received, in words that can be compared: `read 0 key 1`, `write 0 key`, `flush all`. */
export class Told {
  isOurs = false;
  readonly all: string[] = [];
  /** Of each write and each change of a time to live, in their order. */
  readonly ttls: number[] = [];
  /** Keys that may have lost their value, or part of it. */
  readonly altered: string[] = [];
  /** Keys that commands took away. */
  readonly removed: string[] = [];

  read(database: number, bytes: Buffer, start: number, end: number, lookups: number): void {
    this.all.push(`read ${database} ${bytes.toString('latin1', start, end)} ${lookups}`);
  }

  write(database: number, bytes: Buffer, start: number, end: number, ttlMillis: number): void {
    this.all.push(`write ${database} ${bytes.toString('latin1', start, end)}`);
    this.ttls.push(ttlMillis);
  }

  alter(
    database: number,
    bytes: Buffer,
    start: number,
    end: number,
    ttlMillis: number,
    isWrite: boolean,
  ): void {
    const key = bytes.toString('latin1', start, end);
    this.altered.push(key);
    if (isWrite) this.all.push(`write ${database} ${key}`);
    if (ttlMillis > 0) this.ttls.push(ttlMillis);
  }

  remove(_database: number, bytes: Buffer, start: number, end: number): void {
    this.removed.push(bytes.toString('latin1', start, end));
  }

  scanByType(mostLookups: number): void {
    this.all.push(`scan ${mostLookups}`);
  }

  flush(database: number | null): void {
    this.all.push(`flush ${database ?? 'all'}`);
  }
}

/** Reads a text of bytes that comes in pieces. @param cuts the lengths of the pieces, again and again */
export function readPieces(text: string, cuts: readonly number[]): { told: Told; reader: MonitorReader } {
  const told = new Told();
  const reader = new MonitorReader(table, told);
  const bytes = Buffer.from(text, 'latin1');
  // Each piece is in the same memory, as those of a socket do.
  const memory = Buffer.alloc(Math.max(...cuts, 1));
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = Math.min(Math.max(1, cuts[turn % cuts.length] ?? 1), bytes.length - at);
    bytes.copy(memory, 0, at, at + length);
    reader.push(memory.subarray(0, length));
    at += length;
  }
  return { told, reader };
}

/** What the rules say of a command, in the words of `Told`. */
export function expected(argv: readonly string[], database = 0): string[] {
  const words = argv.map(asBytes);
  const names = [words[0] ?? '', `${words[0] ?? ''} ${words[1] ?? ''}`].map((name) => name.toUpperCase());
  const rule = rulesOf('redis').find(({ command }) => names.includes(command));
  if (rule === undefined) return [];
  const { readKeys, lookupsPerKey, storedKeys } = lookupsOf(rule, words);
  return [
    ...readKeys.map((key: ByteString) => `read ${database} ${key} ${lookupsPerKey}`),
    ...storedKeys.map((key: ByteString) => `write ${database} ${key}`),
  ];
}
