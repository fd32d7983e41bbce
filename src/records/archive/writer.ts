import { type FileHandle, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder } from '../../support/files.ts';
import { type ArchiveAbout, encodeFrame, encodeHeader, newHeader, type WrittenFrame } from './format.ts';

/** Appends to a new archive. What `append` has resolved for survives the end of this process, however it ends. */
export class ArchiveWriter {
  bytes = 0;
  private lastWrite: Promise<void> = Promise.resolve();
  private failure: Error | null = null;

  private constructor(
    private readonly file: FileHandle,
    readonly path: string,
    private readonly sync: string,
  ) {}

  /**
   * Makes the file, readable by its owner alone, for it holds values; missing folders are made.
   * @throws Error as the system gives it; EEXIST where there is a file, which is never overwritten
   */
  static async create(path: string, about: ArchiveAbout): Promise<ArchiveWriter> {
    makeFolder(dirname(path), 0o700);
    const header = newHeader(about);
    const writer = new ArchiveWriter(await open(path, 'wx', 0o600), path, header.sync);
    try {
      await writer.write(encodeHeader(header));
    } catch (error) {
      await writer.close();
      await rm(path, { force: true });
      throw error;
    }
    return writer;
  }

  /** All of the frames or none. After a failure nothing more is taken. @throws Error as the system gives it */
  async append(frames: readonly WrittenFrame[]): Promise<void> {
    if (frames.length === 0) return;
    const buffer = Buffer.concat(frames.map((frame) => encodeFrame(frame, this.sync)));
    // One after the other: what two callers append at a time must not mix.
    const write = this.lastWrite.then(() => this.write(buffer));
    this.lastWrite = write.catch(() => undefined);
    await write;
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
    if (this.failure !== null) throw this.failure;
    try {
      await this.file.writeFile(buffer);
    } catch (error) {
      this.failure = error as Error;
      // A full disk takes a part: the archive ends with the last frame that is whole.
      await this.file.truncate(this.bytes).catch(() => undefined);
      throw error;
    }
    this.bytes += buffer.length;
  }
}
