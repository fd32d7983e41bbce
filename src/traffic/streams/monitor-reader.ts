import { forever } from '../../curves/access-sample.ts';
import type { ByteString } from '../../support/bytes.ts';
import { fnvBasis } from '../../support/hash.ts';
import { firstOf, ReplyFault } from '../../redis/errors.ts';
import { type CommandTable, type KeyRange, nextNameHash, type TableEntry } from '../rules/command-table.ts';
import type { CommandSink } from '../node-traffic.ts';
import { lookupsOf, uncertainLookups } from '../rules/lookups.ts';
import { OurConnections } from './our-connections.ts';

const [lineFeed, carriageReturn, quote, backslash, space, bracket] = [0x0a, 0x0d, 0x22, 0x5c, 0x20, 0x5b];
const [plus, minus] = [0x2b, 0x2d];
/** The longest line that is read whole. Of a longer one the arguments up to here count, and the line as cut. */
const longestLine = 4 * 1024 * 1024;

/** Of SET, with what `IFEQ` compares the value with. */
const longestOption = 64;

/** Of the command whose subcommand gives a connection its name. */
const clientHash = Buffer.from('CLIENT').reduce(nextNameHash, fnvBasis);

const defaultScanCount = 10;
/** A page ends after so many buckets for each key of its COUNT, which hold one key on average. @see scanGenericCommand in db.c */
const bucketsPerCount = 10;
/** What the last bucket may hold beyond that. */
const keysOfBucket = 64;

/**
 * Reads what MONITOR sends: `+1700000000.123456 [0 127.0.0.1:5000] "GET" "user:1"`. Each command that ran has a line,
 * those of scripts and transactions too; administrative ones have none. Nothing is kept or copied of a line but its key.
 */
export class MonitorReader {
  /** Lines that were read. */
  commands = 0;
  bytes = 0;
  /** Lines too long to be read whole, of commands whose keys go on. */
  cutLines = 0;
  /** What the server said in place of `OK`. */
  refused: string | null = null;
  /** What comes from these is of this program. */
  readonly ours = new OurConnections();
  private carry = Buffer.allocUnsafe(64 * 1024);
  private carried = 0;
  private skipping = false;
  /** Where the last token began and ended, its quotes left out, and whether it holds escapes. */
  private from = 0;
  private to = 0;
  private escaped = false;
  /** Whether the last SET has the option GET. */
  private looksUp = false;
  private readonly scratch = { bytes: Buffer.allocUnsafe(4096) };

  constructor(
    private readonly table: CommandTable,
    private readonly sink: CommandSink,
  ) {}

  /** What follows comes over another connection: the line that was cut off is dropped. */
  restart(): void {
    this.carried = 0;
    this.skipping = false;
    this.refused = null;
  }

  /** @throws ReplyFault when the bytes are no MONITOR's */
  push(chunk: Buffer): void {
    this.bytes += chunk.length;
    let start = 0;
    if (this.carried > 0 || this.skipping) {
      const end = chunk.indexOf(lineFeed);
      if (end < 0) {
        this.keep(chunk, 0, chunk.length);
        return;
      }
      this.keep(chunk, 0, end);
      if (!this.skipping) this.readLine(this.carry, 0, this.carried);
      this.carried = 0;
      this.skipping = false;
      start = end + 1;
    }
    for (;;) {
      const end = chunk.indexOf(lineFeed, start);
      if (end < 0) break;
      this.readLine(chunk, start, end);
      start = end + 1;
    }
    if (start < chunk.length) this.keep(chunk, start, chunk.length);
  }

  private keep(chunk: Buffer, start: number, end: number): void {
    if (this.skipping) return;
    const whole = this.carried + end - start;
    const length = Math.min(longestLine, whole);
    if (length > this.carry.length) {
      const larger = Buffer.allocUnsafe(Math.min(longestLine, 2 * length));
      this.carry.copy(larger, 0, 0, this.carried);
      this.carry = larger;
    }
    chunk.copy(this.carry, this.carried, start, start + length - this.carried);
    this.carried = length;
    if (whole === length) return;
    this.readLine(this.carry, 0, length, true);
    this.carried = 0;
    this.skipping = true;
  }

  /** @param end where the line feed is, behind a carriage return */
  private readLine(line: Buffer, start: number, end: number, cut = false): void {
    if (line[start] !== plus) {
      if (line[start] !== minus)
        throw new ReplyFault(`\`${firstOf(line.subarray(0, end), start)}\`, which is no line of MONITOR`);
      this.refused ??= line.toString('utf8', start + 1, end - 1);
      return;
    }
    // Behind the time, always of the same length until the year 2286.
    let at = start + 19;
    if (line[at] !== bracket) {
      at = line.indexOf(bracket, start);
      if (at < 0 || at >= end) return;
    }
    let database = 0;
    for (at++; line[at] !== space && at < end; at++) database = database * 10 + (line[at] ?? 48) - 48;
    const address = at + 1;
    let hash: number;
    let name: number;
    for (;;) {
      // The address ends before the first argument.
      while (at < end && !(line[at] === quote && line[at - 1] === space && line[at - 2] === 0x5d)) at++;
      if (at >= end) return;
      [hash, name] = [fnvBasis, at];
      for (at++; at < end; at++) {
        const byte = line[at] ?? 0;
        if (byte === quote) break;
        hash = nextNameHash(hash, byte);
      }
      // The path of a socket is printed as it is, and may look like an argument; those have a blank or the end behind them.
      const behind = line[at + 1];
      if (behind === space || behind === carriageReturn || at + 1 >= end) break;
    }
    this.commands++;
    const addressEnd = name - 2;
    this.sink.isOurs = this.ours.has(line, address, addressEnd);
    if (hash === clientHash) this.readName(line, at, end, address, addressEnd);
    const entry = this.table.byHash.get(hash);
    if (entry === undefined) return;
    if (entry.flushes !== null) this.sink.flush(entry.flushes === 'all' ? null : database);
    else if (entry.scans) this.readScan(line, at, end);
    else if (entry.streams) this.readArguments(entry, database, line, start, at, end, cut);
    else if (cut) this.cutLines++;
    else this.readWhole(entry, database, line, name, end);
  }

  /** CLIENT SETNAME says whose connection it is. @param at the closing quote of the command's name */
  private readName(line: Buffer, at: number, end: number, address: number, addressEnd: number): void {
    const words: string[] = [];
    while (words.length < 2 && (at = this.nextToken(line, at, end)) >= 0)
      words.push(line.toString('latin1', this.from, this.to));
    const [subcommand = '', name = ''] = words;
    if (subcommand.toUpperCase() === 'SETNAME')
      this.ours.named(line.toString('latin1', address, addressEnd), name);
  }

  /** @param at the closing quote of the command's name */
  private readScan(line: Buffer, at: number, end: number): void {
    let [count, byType, word] = [defaultScanCount, false, ''];
    // Behind the cursor, options and their arguments in turn.
    for (let index = 1; (at = this.nextToken(line, at, end)) >= 0; index++) {
      const token = line.toString('latin1', this.from, this.to);
      if (index % 2 === 0) word = token.toUpperCase();
      else if (word === 'TYPE') byType = true;
      else if (word === 'COUNT') count = Number(token) || defaultScanCount;
    }
    if (byType) this.sink.scanByType(bucketsPerCount * count + keysOfBucket);
  }

  /** Counts the keys as the arguments go by. @param start of the line @param at the closing quote of the command's name */
  private readArguments(
    entry: TableEntry,
    database: number,
    line: Buffer,
    start: number,
    at: number,
    end: number,
    cut: boolean,
  ): void {
    const { reads, stores, removes, alters, rule, ttl } = entry;
    const last = Math.max(lastOf(reads), lastOf(stores), lastOf(removes), lastOf(alters));
    const { sink, scratch } = this;
    for (let index = 1; index <= last; index++) {
      at = this.nextToken(line, at, end);
      if (at < 0) {
        if (cut) this.cutLines++;
        return;
      }
      const isRead = isIn(reads, index);
      const isStored = isIn(stores, index);
      const isRemoved = isIn(removes, index);
      const isAltered = isIn(alters, index);
      const hasTtl = ttl !== null && index === 1;
      if (!isRead && !isStored && !isRemoved && !isAltered && !hasTtl) continue;
      let [bytes, from, to] = [line, this.from, this.to];
      if (this.escaped) {
        to = unescapeInto(scratch, line, from, to);
        [bytes, from] = [scratch.bytes, 0];
      }
      if (isRead) {
        const uncertain = rule === null ? 0 : uncertainLookups(rule, index === reads?.first);
        sink.read(database, bytes, from, to, entry.lookups, uncertain);
      }
      const ttlMillis = hasTtl
        ? this.ttlOf(entry, line, start, at, end, cut)
        : isStored && entry.overwrites
          ? forever
          : 0;
      if (hasTtl && this.looksUp) sink.read(database, bytes, from, to, entry.lookups, 0);
      if (isRemoved) sink.remove(database, bytes, from, to);
      if (isStored) sink.write(database, bytes, from, to, ttlMillis);
      if (isAltered || (!isStored && ttlMillis > 0))
        sink.alter(database, bytes, from, to, isStored ? 0 : ttlMillis, entry.alteringWrites);
    }
  }

  /**
   * The time to live that SET or GETEX gives; `looksUp` says whether it reads too. The options are looked for from the end
   * of the line, for the value between may be long. A quote within an argument has a backslash before it, so the first one
   * without is where the argument begins.
   * @param start of the line @param keyEnd the closing quote of the key @param ttlMillis where no option says more
   */
  private readOptions(line: Buffer, start: number, keyEnd: number, end: number, ttlMillis: number): number {
    const hasValue = ttlMillis !== 0;
    let following = '';
    let close = line[end - 1] === quote ? end - 1 : end - 2;
    for (;;) {
      let open = close - 1;
      while (
        open > keyEnd &&
        close - open < longestOption &&
        !(line[open] === quote && line[open - 1] !== backslash)
      )
        open--;
      // The value itself, or something longer than any option.
      if (open < keyEnd + (hasValue ? 3 : 2) || line[open] !== quote) break;
      const word = line.toString('latin1', open + 1, close).toUpperCase();
      if (word === 'GET') this.looksUp = hasValue;
      else if (word === 'KEEPTTL') ttlMillis = 0;
      else if (word === 'PERSIST') ttlMillis = forever;
      else if (word === 'EX') ttlMillis = Number(following) * 1000;
      else if (word === 'PX') ttlMillis = Number(following);
      else if (word === 'EXAT') ttlMillis = millisUntil(line, start, Number(following) * 1000);
      else if (word === 'PXAT') ttlMillis = millisUntil(line, start, Number(following));
      following = word;
      close = open - 2;
    }
    return ttlMillis || 0;
  }

  /**
   * The time to live that the command gives its key, in milliseconds: `forever` where it takes one away, 0 where it leaves what the key
   * has. @param start of the line @param at the closing quote of the key
   */
  private ttlOf(
    entry: TableEntry,
    line: Buffer,
    start: number,
    at: number,
    end: number,
    cut: boolean,
  ): number {
    this.looksUp = false;
    const { ttl, stores } = entry;
    if (ttl === 'options')
      return cut ? 0 : this.readOptions(line, start, at, end, stores === null ? 0 : forever);
    if (ttl === 'forever') return forever;
    if (this.nextToken(line, at, end) < 0) return 0;
    const amount = Number(line.toString('latin1', this.from, this.to));
    // RESTORE with a TTL of 0 gives none.
    if (!(amount > 0)) return stores === null ? 0 : forever;
    const millis = ttl === 'seconds' || ttl === 'at seconds' ? amount * 1000 : amount;
    return ttl === 'seconds' || ttl === 'millis' ? millis : millisUntil(line, start, millis);
  }

  /** Finds the token behind the closing quote `at`: its own closing quote, or -1 where there is none. */
  private nextToken(line: Buffer, at: number, end: number): number {
    if (at + 2 >= end || line[at + 2] !== quote) return -1;
    const from = at + 3;
    this.escaped = false;
    for (let to = from; to < end; to++) {
      const byte = line[to];
      if (byte === quote) {
        this.from = from;
        this.to = to;
        return to;
      }
      if (byte === backslash) {
        this.escaped = true;
        to++;
      }
    }
    return -1;
  }

  /**
   * The way for commands whose keys are known only when all of their arguments are.
   * @param name the opening quote of the command's name
   */
  private readWhole(entry: TableEntry, database: number, line: Buffer, name: number, end: number): void {
    const words: ByteString[] = [];
    let at = name - 2;
    while ((at = this.nextToken(line, at, end)) >= 0) {
      if (this.escaped) {
        const length = unescapeInto(this.scratch, line, this.from, this.to);
        words.push(this.scratch.bytes.toString('latin1', 0, length) as ByteString);
      } else words.push(line.toString('latin1', this.from, this.to) as ByteString);
    }
    const [command = '', subcommand = ''] = words;
    const rule =
      entry.rule ?? this.table.subcommands.get(`${command.toUpperCase()} ${subcommand.toUpperCase()}`);
    if (rule === undefined) return;
    const { readKeys, lookupsPerKey, writtenKeys, storedKeys } = lookupsOf(rule, words);
    for (const [index, key] of readKeys.entries()) {
      const bytes = Buffer.from(key, 'latin1');
      const uncertain = uncertainLookups(rule, index === 0);
      this.sink.read(database, bytes, 0, bytes.length, lookupsPerKey, uncertain);
    }
    const { alteringWrites, overwrites } = entry;
    for (const key of writtenKeys) {
      const bytes = Buffer.from(key, 'latin1');
      const isStored = storedKeys.includes(key);
      if (isStored && !alteringWrites)
        this.sink.write(database, bytes, 0, bytes.length, overwrites ? forever : 0);
      // Of a result nothing may be stored.
      if (!isStored || alteringWrites || overwrites)
        this.sink.alter(database, bytes, 0, bytes.length, 0, isStored && alteringWrites);
    }
  }
}

/** Milliseconds from the time of the line on, which the server prints as `1700000000.123456`. @param start of the line */
const millisUntil = (line: Buffer, start: number, atMillis: number) =>
  Math.max(0, atMillis - Number(line.toString('latin1', start + 1, start + 18)) * 1000);

/** Of the arguments, the last that these keys may be. */
const lastOf = (range: KeyRange | null) => (range === null ? 1 : range.last < 0 ? Infinity : range.last);

const isIn = (range: KeyRange | null, index: number) =>
  range !== null &&
  index >= range.first &&
  (range.last < 0 || index <= range.last) &&
  (index - range.first) % range.step === 0;

const escapes: Readonly<Record<number, number>> = { 0x6e: 10, 0x72: 13, 0x74: 9, 0x61: 7, 0x62: 8 };

/**
 * Undoes the escapes of MONITOR: `\n \r \t \a \b`, `\xHH`, and a backslash before a quote or another.
 * @returns the length of what is in the scratch buffer then
 * @see sdscatrepr in sds.c
 */
function unescapeInto(scratch: { bytes: Buffer }, line: Buffer, from: number, to: number): number {
  if (to - from > scratch.bytes.length) scratch.bytes = Buffer.allocUnsafe(2 * (to - from));
  const target = scratch.bytes;
  let length = 0;
  for (let at = from; at < to; at++) {
    let byte = line[at] ?? 0;
    if (byte === backslash) {
      byte = line[++at] ?? 0;
      if (byte === 0x78) {
        byte = (digitOf(line[at + 1] ?? 48) << 4) | digitOf(line[at + 2] ?? 48);
        at += 2;
      } else byte = escapes[byte] ?? byte;
    }
    target[length++] = byte;
  }
  return length;
}

const digitOf = (byte: number) => (byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57);
