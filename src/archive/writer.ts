import { mkdirSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type ArchiveFrame, type ArchiveHeader, encodeFrame, encodeHeader } from './format.ts';

/** Appends to a new archive. What `append` has resolved for survives the end of this process, however it ends. */
export class ArchiveWriter {
  bytes = 0;

  private constructor(
    private readonly file: FileHandle,
    readonly path: string,
  ) {}

  /**
   * Makes the file, readable by its owner alone, for it holds values; missing folders are made.
   * @throws Error as the system gives it; EEXIST where there is a file, which is never overwritten
   */
  static async create(path: string, header: ArchiveHeader): Promise<ArchiveWriter> {
    mkdirSync(dirname(path), { recursive: true });
    const writer = new ArchiveWriter(await open(path, 'wx', 0o600), path);
    await writer.write(encodeHeader(header));
    return writer;
  }

  /** @throws Error as the system gives it */
  async append(frames: readonly ArchiveFrame[]): Promise<void> {
    if (frames.length > 0) await this.write(Buffer.concat(frames.map(encodeFrame)));
  }

  /** Writes the end, waits until the disk has all of it, and closes the file. @throws Error as the system gives it */
  async finish(summary: Readonly<Record<string, unknown>>): Promise<void> {
    try {
      await this.append([{ kind: 'end', summary }]);
      await this.file.sync();
    } finally {
      await this.file.close();
    }
  }

  /** Closes the file as it is. */
  async close(): Promise<void> {
    await this.file.close();
  }

  private async write(buffer: Buffer): Promise<void> {
    for (let at = 0; at < buffer.length;) {
      const { bytesWritten } = await this.file.write(buffer, at);
      at += bytesWritten;
    }
    this.bytes += buffer.length;
  }
}
