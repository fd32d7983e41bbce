import { clientName } from '../../redis/target.ts';
import { fnvBasis, fnvOf, fnvStep } from '../../support/hash.ts';

/** The connections of this program, of this run and of others, by the addresses that MONITOR prints. */
export class OurConnections {
  /** Hashes of the addresses. */
  private readonly hashes = new Set<number>();
  /** Their ports, which tell nearly all others apart at a tenth of the time. */
  private readonly ports = new Uint8Array(2 ** 16);

  add(addresses: readonly string[]): void {
    for (const address of addresses) {
      // All connections over a socket file have one address.
      if (address.startsWith('unix:')) continue;
      this.hashes.add(fnvOf(address));
      this.ports[Number(/\d*$/.exec(address)?.[0])] = 1;
    }
  }

  /** A connection got a name. */
  named(address: string, name: string): void {
    if (name === clientName) this.add([address]);
    else this.hashes.delete(fnvOf(address));
  }

  /** Whether the address between these places is of one. */
  has(line: Buffer, start: number, end: number): boolean {
    if (this.ports[portAt(line, end)] !== 1) return false;
    let hash = fnvBasis;
    for (let at = start; at < end; at++) hash = fnvStep(hash, line[at] ?? 0);
    return this.hashes.has(hash);
  }
}

/** The digits before the end of an address, as a number of 16 bits. */
function portAt(line: Buffer, end: number): number {
  let [port, unit] = [0, 1];
  for (let at = end - 1; unit <= 10_000; at--, unit *= 10) {
    const digit = (line[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) break;
    port += digit * unit;
  }
  return port & 0xffff;
}
