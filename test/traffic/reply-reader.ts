const [carriageReturn, minus, zero] = [0x0d, 0x2d, 0x30];
const [plus, colon, dollar, star] = [0x2b, 0x3a, 0x24, 0x2a];

/** Stands for a nil among the members of a reply. */
export const nil = -1;

/**
 * Reads replies as far as the load must understand them. A reply becomes the list of its members: an integer as it is, a
 * text as its length, a nil as -1, and nothing for an empty array; the members of arrays within arrays stand in a row.
 * It shares no code with the program that the load is there to test.
 */
export class ReplyReader {
  private rest: Buffer | undefined;
  private members: number[] = [];
  private error: string | null = null;

  /** @param settle gets the members, in an array that is used again, or the text of an error */
  constructor(private readonly settle: (members: readonly number[], error: string | null) => void) {}

  push(chunk: Buffer): void {
    const buffer = this.rest === undefined ? chunk : Buffer.concat([this.rest, chunk]);
    this.rest = undefined;
    let at = 0;
    while (at < buffer.length) {
      this.members.length = 0;
      this.error = null;
      const next = this.read(buffer, at);
      if (next < 0) {
        this.rest = buffer.subarray(at);
        return;
      }
      at = next;
      this.settle(this.members, this.error);
    }
  }

  /** @returns the position behind the reply that begins here, or -1 where it is cut */
  private read(buffer: Buffer, start: number): number {
    const kind = buffer[start];
    if (kind === plus || kind === minus) {
      const end = buffer.indexOf(carriageReturn, start);
      if (end < 0 || end + 1 >= buffer.length) return -1;
      if (kind === minus) this.error ??= buffer.toString('latin1', start + 1, end);
      else this.members.push(0);
      return end + 2;
    }
    let at = start + 1;
    const negative = buffer[at] === minus;
    if (negative) at++;
    let number = 0;
    for (; at < buffer.length && buffer[at] !== carriageReturn; at++)
      number = number * 10 + (buffer[at] ?? zero) - zero;
    if (at + 1 >= buffer.length) return -1;
    at += 2;
    if (kind === colon) {
      this.members.push(negative ? -number : number);
      return at;
    }
    if (negative) {
      this.members.push(nil);
      return at;
    }
    if (kind === dollar) {
      if (at + number + 2 > buffer.length) return -1;
      this.members.push(number);
      return at + number + 2;
    }
    if (kind !== star) throw new Error(`the server sent what is no reply: byte ${kind ?? 'none'}`);
    for (let member = 0; member < number; member++) {
      at = at < buffer.length ? this.read(buffer, at) : -1;
      if (at < 0) return -1;
    }
    return at;
  }
}
