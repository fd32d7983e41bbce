import { InputError } from '../support/failure.ts';
import { type Info, infoNumber } from '../redis/info.ts';
import { type BenchOptions, needsKeys } from './options.ts';

/** What a key costs beside its value: its name, its TTL, the server's tables (measured on Redis 7.0: 150 to 210). */
const bytesPerKey = 200;
/** Enough to measure with, and little enough to drive out few of the keys that others put there. */
const largestShare = 0.1;

/**
 * A benchmark must not push out what it was called to measure.
 * @param info of one node, or null where the server tells none; then nothing is checked
 * @throws InputError where the keys would take more than a tenth of the server's memory
 */
export function checkFootprint(
  { workloads, keys, payloadBytes }: BenchOptions,
  info: Info | null,
  nodeCount: number,
): void {
  if (info === null || !workloads.some(needsKeys)) return;
  const memory = infoNumber(info, 'maxmemory') || infoNumber(info, 'total_system_memory') || Infinity;
  const footprint = (keys * (payloadBytes + bytesPerKey)) / nodeCount;
  if (footprint <= memory * largestShare) return;
  throw new InputError(
    `\`--keys ${keys} --payload ${payloadBytes}\` would take ${Math.ceil(footprint)} bytes of the server's ${memory}: more than a tenth`,
    'lower --keys or --payload; `cachectl bench ping` needs no keys',
  );
}
