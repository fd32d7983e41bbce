import { RedisError } from './errors.ts';
import { notRedisHint } from './strangers.ts';
import type { Connection } from './connection.ts';

/**
 * Sees that the cursors of one SCAN lead to its end. A cursor may come again while a table is resized, but not for ever:
 * one cursor is kept and compared with those that follow, and exchanged after 1, 2, 4, 8, … of them (Brent's algorithm),
 * so that a circle of any length is seen once it has been gone round a few times.
 */
export class CursorTrail {
  private kept = '';
  private steps = 0;
  private stepsUntilExchange = 1;
  private repetitions = 0;

  constructor(
    /** `SCAN`, `HSCAN`, … */
    private readonly command: string,
    private readonly address: string,
  ) {}

  /** @throws RedisError `lost` with the code EPROTO once the cursors go round in a circle */
  follow(cursor: string): void {
    if (cursor === '0') return;
    if (cursor === this.kept) {
      if (++this.repetitions >= mostRepetitions)
        throw endless(this.command, this.address, `gave the cursor \`${cursor}\` again and again`);
      this.steps = 0;
      return;
    }
    if (++this.steps < this.stepsUntilExchange) return;
    this.kept = cursor;
    this.steps = this.repetitions = 0;
    this.stepsUntilExchange *= 2;
  }
}

const mostRepetitions = 3;

/** What a walk may see before DBSIZE is asked, and beyond what DBSIZE says. */
const keysWithoutQuestion = 20_000;
const scansWithoutQuestion = 10_000;
/** A table that is resized gives keys twice, and a keyspace grows while it is read. */
const keysOfEachKey = 4;
/** Empty buckets of a table that has shrunk: 100,000 SCANs visit 500 million of them at COUNT 500. */
const mostEmptyScans = 100_000;

/** Sees that a walk ends: a server that gives ever new keys or cursors is held against its own DBSIZE. */
export class ScanBounds {
  private keys = 0;
  private scans = 0;
  private keysBefore = keysWithoutQuestion;
  private scansBefore = scansWithoutQuestion;
  /** The largest DBSIZE that was reported; null before it was asked, infinite where the user may not ask. */
  private size: number | null = null;
  private readonly trail: CursorTrail;

  constructor(private readonly connection: Connection) {
    this.trail = new CursorTrail('SCAN', connection.address);
  }

  /** @param keys in the page. @throws RedisError `lost` with the code EPROTO */
  async count(cursor: string, keys: number): Promise<void> {
    this.trail.follow(cursor);
    this.keys += keys;
    this.scans++;
    if (this.keys <= this.keysBefore && this.scans <= this.scansBefore) return;
    const [reply] = await this.connection.exchange([['DBSIZE']]);
    const size = typeof reply === 'number' ? reply : Number.POSITIVE_INFINITY;
    this.size = Math.max(this.size ?? 0, size);
    this.keysBefore = keysOfEachKey * this.size + keysWithoutQuestion;
    this.scansBefore = keysOfEachKey * this.size + mostEmptyScans;
    const { address } = this.connection;
    if (this.keys > this.keysBefore)
      throw endless('SCAN', address, `gave ${this.keys} keys, of ${size} by DBSIZE`);
    if (this.scans > this.scansBefore)
      throw endless('SCAN', address, `gave ${this.scans} cursors for ${size} keys`);
  }
}

const endless = (command: string, address: string, what: string) =>
  new RedisError(
    'lost',
    'EPROTO',
    `\`${command}\` on ${address} does not come to an end: the server ${what}`,
    notRedisHint,
  );
