import type { FileHandle } from 'node:fs/promises';
import { openNameless } from '../../support/draft-file.ts';

const mostInMemory = 4 * 1024 * 1024;
const chunkBytes = 256 * 1024;

/** Text of unknown length that may still be dropped. What does not fit in 4 MB goes to a file without a name. */
export class Draft {
  bytes = 0;
  private readonly held: Buffer[] = [];
  private heldBytes = 0;
  private file: FileHandle | undefined;

  /** @throws Error as the system gives it */
  async append(chunk: Buffer): Promise<void> {
    this.held.push(chunk);
    this.heldBytes += chunk.length;
    this.bytes += chunk.length;
    if (this.heldBytes < mostInMemory) return;
    this.file ??= await openNameless();
    await writeAll(this.file, Buffer.concat(this.held.splice(0)));
    this.heldBytes = 0;
  }

  async *chunks(): AsyncGenerator<Buffer> {
    const written = this.bytes - this.heldBytes;
    for (let at = 0; this.file !== undefined && at < written;) {
      const { bytesRead, buffer } = await this.file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, at);
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
    yield* this.held;
  }

  async close(): Promise<void> {
    await this.file?.close();
    this.file = undefined;
  }
}

async function writeAll(file: FileHandle, buffer: Buffer): Promise<void> {
  for (let at = 0; at < buffer.length;) at += (await file.write(buffer, at)).bytesWritten;
}
