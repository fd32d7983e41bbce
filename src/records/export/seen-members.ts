import type { ByteString } from '../../support/bytes.ts';
import { type Value, widths } from '../values/value.ts';

/** As long as names of a value fit in here, each is written once. */
const mostBytes = 64 * 1024 * 1024;

/** Which of the texts of a member names it, in the types that SCAN commands read. */
const nameAt = { hash: 0, set: 0, zset: 1 } as const;

/** HSCAN, SSCAN and ZSCAN may give a member twice while a table shrinks; a record names each once. */
export class SeenMembers {
  private readonly names = new Set<ByteString>();
  private bytes = 0;

  /** What of a piece has not come before; null where nothing is left. */
  newOf(piece: Value): Value | null {
    if (piece.type === 'string' || piece.type === 'list' || piece.type === 'stream') return piece;
    const length = widths[piece.type];
    const elements: ByteString[] = [];
    for (let at = 0; at < piece.elements.length; at += length) {
      const name = piece.elements[at + nameAt[piece.type]] as ByteString;
      if (this.names.has(name)) continue;
      elements.push(...piece.elements.slice(at, at + length));
      if (this.bytes > mostBytes) continue;
      this.names.add(name);
      this.bytes += name.length;
    }
    return elements.length === 0 ? null : { ...piece, elements };
  }
}
