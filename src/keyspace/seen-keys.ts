import type { ByteString } from '../support/bytes.ts';

const mostBytes = 128 * 1024 * 1024;
/** What a key takes beside its bytes. */
const keyBytes = 56;

/**
 * SCAN gives keys twice while a table is resized; a list names each once. Keys are remembered as long as they fit in 128 MB,
 * about 1.5 million of 30 bytes; of those behind them a repetition is not seen.
 */
export class SeenKeys {
  private readonly keys = new Set<ByteString>();
  private bytes = 0;

  /** True when the key comes for the first time. */
  isNew(key: ByteString): boolean {
    if (this.keys.has(key)) return false;
    if (this.bytes > mostBytes) return true;
    this.keys.add(key);
    this.bytes += key.length + keyBytes;
    return true;
  }
}
