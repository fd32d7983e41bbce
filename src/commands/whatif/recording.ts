import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import { accessKinds, groups } from '../../curves/access-sample.ts';
import { policies } from '../../curves/policy.ts';
import type { NodeWindowRecord, WindowRecord } from '../../curves/window-record.ts';
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
const base64 = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/);

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
  keys: z.object({ position: base64, group: base64, row: base64, bytes: base64, absentAtStart: base64 }),
  accesses: z.object({ key: base64, kind: base64, atMillis: base64, ttlMillis: base64 }),
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

/** Columns of numbers as base64. */
const textsOf = <Table extends Readonly<Record<keyof Table, Uint8Array | Uint32Array | Float64Array>>>(
  table: Table,
) =>
  Object.fromEntries(
    Object.entries<Uint8Array | Uint32Array | Float64Array>(table).map(([name, column]) => [
      name,
      Buffer.from(column.buffer, column.byteOffset, column.byteLength).toString('base64'),
    ]),
  ) as Record<keyof Table, string>;

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
  const nodes = record.nodes.map(({ trace, ...node }): NodeFile => {
    const { rate, keys, accesses } = trace;
    return {
      ...{ ...node, reads: [...node.reads], misses: [...node.misses], rate },
      population: node.population && {
        byRow: [...node.population.byRow],
        byUses: [...node.population.byUses],
      },
      keys: textsOf(keys),
      accesses: textsOf(accesses),
    };
  });
  const text = `${JSON.stringify(sealed({ recordVersion: 1, ...record, nodes }))}\n`;
  const { signal, environment } = context;
  return writeNamedFile(path, text, { processes: environment.processes, signal }, writeFailure(path));
}

/** @throws InputError where it is no recording, or not as it was written */
export async function readRecording(path: string, signal: AbortSignal): Promise<WindowRecord> {
  const failure = (cause: string) =>
    new InputError(
      `recording \`${path}\` cannot be read: ${cause}`,
      `\`cachectl whatif --record ${path}\` writes one`,
    );
  const parsed = recordSchema.safeParse(unsealed(await readNamedJson<unknown>(path, signal, failure)));
  if (!parsed.success) throw failure('it is no recording of `whatif`, or not as it was written');
  const { recordVersion: _, nodes, ...record } = parsed.data;
  return {
    ...record,
    nodes: nodes.map((node) => {
      const read = nodeOf(node, record.namespaces.length);
      if (read === null) throw failure('its columns do not fit together');
      return read;
    }),
  };
}

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
const wholeNumbers = (text: string) => new Uint32Array(bytesOf(text).buffer);

/** Null where the columns do not fit together. */
function nodeOf({ keys, accesses, rate, ...node }: NodeFile, namespaces: number): NodeWindowRecord | null {
  try {
    const trace = {
      rate,
      keys: {
        position: wholeNumbers(keys.position),
        group: bytesOf(keys.group),
        row: wholeNumbers(keys.row),
        bytes: new Float64Array(bytesOf(keys.bytes).buffer),
        absentAtStart: bytesOf(keys.absentAtStart),
      },
      accesses: {
        key: wholeNumbers(accesses.key),
        kind: bytesOf(accesses.kind),
        atMillis: wholeNumbers(accesses.atMillis),
        ttlMillis: wholeNumbers(accesses.ttlMillis),
      },
    };
    const count = trace.keys.row.length;
    const { key, kind } = trace.accesses;
    const fits =
      Object.values(trace.keys).every(({ length }) => length === count) &&
      Object.values(trace.accesses).every(({ length }) => length === key.length) &&
      key.every((index) => index < count) &&
      trace.keys.row.every((row) => row < namespaces) &&
      trace.keys.group.every((group) => group < groups) &&
      trace.keys.bytes.every(
        (bytes) => Number.isNaN(bytes) || (bytes >= 0 && bytes < Number.MAX_SAFE_INTEGER),
      ) &&
      kind.every((each) => each <= accessKinds.remove) &&
      [node.reads, node.misses, node.population?.byRow ?? node.reads].every(
        ({ length }) => length === namespaces,
      );
    return fits ? { ...node, trace } : null;
  } catch (error) {
    // A column whose bytes are no whole numbers.
    if (error instanceof RangeError) return null;
    throw error;
  }
}
