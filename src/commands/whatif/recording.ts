import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import { accessKinds, groups, type SampledAccesses, type SampledKeys } from '../../curves/access-sample.ts';
import { policies } from '../../curves/policy.ts';
import type { WindowRecord } from '../../curves/window-record.ts';
import { fileFailureText, InputError } from '../../support/failure.ts';
import { writePlaceAt } from '../../support/files.ts';
import { readNamedJson, writeNamedFile } from '../../support/named-file.ts';
import { sealed, unsealed } from '../../support/sealed.ts';
import type { Context } from '../context.ts';

/*
 * A window in a file: one object of JSON with a digest, columns of numbers in base64. Fields are only ever added. It holds
 * neither names of keys nor values, only how often and when keys were used, and how large they are.
 */

const amount = z.number().min(0);
const counts = z.array(amount);
const column = <Column>(read: (bytes: Uint8Array<ArrayBuffer>) => Column) =>
  z
    .string()
    .regex(/^[A-Za-z0-9+/]*={0,2}$/)
    .transform((text) => read(new Uint8Array(Buffer.from(text, 'base64'))));
const bytes = column((each) => each);
/** Of a column whose bytes are no whole numbers, none. */
const numbers = column(({ buffer }) => new Uint32Array(buffer.byteLength % 4 === 0 ? buffer : []));
const doubles = column(({ buffer }) => new Float64Array(buffer.byteLength % 8 === 0 ? buffer : []));

const nodeSchema = z.object({
  address: z.string(),
  memory: z.object({
    usedBytes: amount,
    maxmemoryBytes: amount,
    fixedBytes: amount,
    tableBytesPerKey: amount,
    meanKeyBytes: amount,
  }),
  serverPolicy: z.string().nullable(),
  eviction: z.object({
    policy: z.enum(policies),
    samples: z.number().int().min(1).max(1000),
    lfuLogFactor: amount,
    lfuDecayMinutes: amount,
  }),
  hasEvicted: z.boolean(),
  distinctKeys: amount.nullable(),
  population: z.object({ byRow: counts, byUses: counts }).nullable().default(null),
  reads: counts,
  misses: counts,
  sizesRefused: z.string().nullable(),
  rate: z.number().gt(0).max(1),
  keys: z.object({ position: numbers, group: bytes, row: numbers, bytes: doubles, absentAtStart: bytes }),
  accesses: z.object({ key: numbers, kind: bytes, atMillis: numbers, ttlMillis: numbers }),
});

const recordSchema = z.object({
  recordVersion: z.literal(1),
  at: z.string(),
  server: z.string(),
  selection: z.string(),
  windowSeconds: amount,
  namespaces: z.array(z.object({ namespace: z.string(), database: z.number().int() })),
  nodes: z.array(nodeSchema).min(1),
});

type NodeFile = z.infer<typeof nodeSchema>;

const textsOf = (columns: SampledKeys | SampledAccesses) =>
  Object.fromEntries(
    Object.entries({ ...columns }).map(([name, { buffer, byteOffset, byteLength }]) => [
      name,
      Buffer.from(buffer, byteOffset, byteLength).toString('base64'),
    ]),
  );

const writeFailure = (path: string) => (cause: string) =>
  new InputError(`recording \`${path}\` cannot be written: ${cause}`, 'name another with --record FILE');

/** Before a window is observed in vain. @throws InputError where no file can be written there */
export function requirePlace(path: string): void {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw new Error('it is a folder');
    if (writePlaceAt(path) === 'stream') return;
    const folder = dirname(path);
    if (statSync(folder, { throwIfNoEntry: false }) !== undefined) accessSync(folder, constants.W_OK);
  } catch (error) {
    throw writeFailure(path)(fileFailureText(error));
  }
}

/** @throws InputError where the file cannot be written */
export function writeRecording(context: Context, path: string, record: WindowRecord): Promise<void> {
  const nodes = record.nodes.map(({ trace: { rate, keys, accesses }, ...node }) => ({
    ...{ ...node, rate, keys: textsOf(keys), accesses: textsOf(accesses) },
  }));
  const text = `${JSON.stringify(sealed({ recordVersion: 1, ...record, nodes }))}\n`;
  const { signal, environment } = context;
  return writeNamedFile(path, text, { processes: environment.processes, signal }, writeFailure(path));
}

/** @throws InputError where it is no recording, or not as it was written */
export async function readRecording(path: string, signal: AbortSignal): Promise<WindowRecord> {
  const failure = (cause: string) =>
    new InputError(
      `recording \`${path}\` cannot be read: ${cause}`,
      '`cachectl whatif --record FILE` writes one',
    );
  const parsed = recordSchema.safeParse(unsealed(await readNamedJson<unknown>(path, signal, failure)));
  if (!parsed.success) throw failure('it is no recording of `whatif`, or not as it was written');
  const { recordVersion: _, nodes, ...record } = parsed.data;
  if (!nodes.every((node) => fits(node, record.namespaces.length)))
    throw failure('its columns do not fit together');
  return {
    ...record,
    nodes: nodes.map(({ rate, keys, accesses, ...node }) => ({ ...node, trace: { rate, keys, accesses } })),
  };
}

const fits = ({ keys, accesses, reads, misses, population }: NodeFile, namespaces: number) =>
  Object.values(keys).every(({ length }) => length === keys.row.length) &&
  Object.values(accesses).every(({ length }) => length === accesses.key.length) &&
  accesses.key.every((index) => index < keys.row.length) &&
  accesses.kind.every((kind) => kind <= accessKinds.remove) &&
  keys.row.every((row) => row < namespaces) &&
  keys.group.every((group) => group < groups) &&
  keys.bytes.every((size) => Number.isNaN(size) || (size >= 0 && size < Number.MAX_SAFE_INTEGER)) &&
  [reads, misses, population?.byRow ?? reads].every(({ length }) => length === namespaces);
