import { InputError } from '../support/failure.ts';
import { keyFields } from '../keyspace/key-text.ts';
import { readNamedFile, writeNamedFile } from '../support/named-file.ts';
import { bytesOf, type ByteString } from '../support/bytes.ts';
import { digestOf } from '../support/sealed.ts';
import type { Watched } from '../redis/server.ts';
import type { ProcessFacts } from '../support/processes.ts';
import type { PlannedNamespace } from './plan.ts';

const format = 'cachectl-plan-1';

/** A plan on paper: one line of JSON that says what it is, then one line for each key. */
export interface SavedPlan {
  readonly format: typeof format;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly server: string;
  readonly database: number;
  readonly watched?: Watched;
  readonly profile: string | null;
  /** What was asked for, in words. */
  readonly action: string;
  readonly mode: 'unlink' | 'soft';
  /** The window of soft mode. */
  readonly overSeconds: number;
  readonly patterns: readonly string[];
  /** What keys had to be like, as it was written, by the name of the option; absent: nothing. `apply` judges them again. */
  readonly selection?: Readonly<Record<string, readonly string[]>>;
  readonly namespaces: readonly PlannedNamespace[];
  readonly memoryBytes: number | null;
  readonly keyspaceKeys: number | null;
  readonly matched: number;
  /** The server's clock when the plan was made, milliseconds since the epoch; null: not permitted. Plans of before lack it. */
  readonly serverTimeMillis?: number | null;
}

/** @param digests Of the values, for `apply` to see which were written since. @throws InputError where the file cannot be written */
export async function savePlan(
  path: string,
  name: string,
  plan: Omit<SavedPlan, 'format'>,
  keys: readonly ByteString[],
  writing: { readonly processes: ProcessFacts; readonly signal: AbortSignal },
  digests: ReadonlyMap<ByteString, string> = new Map(),
): Promise<void> {
  const lines = keys.map((key) => {
    const digest = digests.get(key);
    return JSON.stringify({ ...keyFields(key), ...(digest !== undefined && { digest }) });
  });
  const fields = { format, ...plan } as const;
  lines.unshift(JSON.stringify({ ...fields, sha256: digestOf(fields, lines) }));
  await writeNamedFile(
    path,
    lines.join('\n') + '\n',
    writing,
    (cause) => new InputError(`plan \`${name}\` cannot be written: ${cause}`),
  );
}

/** `id` is the same for copies of a plan, and for no other. @throws InputError where the file is no plan, or not all of one */
export async function loadPlan(
  path: string,
  name: string,
  signal: AbortSignal,
): Promise<{ plan: SavedPlan; keys: ByteString[]; digests: Map<ByteString, string>; id: string }> {
  const failure = (cause: string) => new InputError(`plan \`${name}\` cannot be read: ${cause}`);
  const text = await readNamedFile(path, signal, failure);
  const [first = '', ...lines] = text.toString().split('\n');
  const { sha256, ...plan } = (parsed(first) ?? {}) as Partial<SavedPlan> & { sha256?: unknown };
  if (plan.format !== format) {
    throw new InputError(
      `\`${name}\` is no plan`,
      'one is written with `cachectl invalidate … --plan-out FILE`',
    );
  }
  const keys: ByteString[] = [];
  const digests = new Map<ByteString, string>();
  lines.forEach((line, index) => {
    if (line === '') return;
    const fields = parsed(line) as Partial<Record<'key' | 'keyBase64' | 'digest', unknown>> | undefined;
    const key =
      typeof fields?.keyBase64 === 'string'
        ? (Buffer.from(fields.keyBase64, 'base64').toString('latin1') as ByteString)
        : typeof fields?.key === 'string'
          ? bytesOf(fields.key)
          : null;
    if (key !== null) {
      keys.push(key);
      if (typeof fields?.digest === 'string') digests.set(key, fields.digest);
    } else throw new InputError(`plan \`${name}\` line ${index + 2} is no key`, 'make the plan again');
  });
  if (keys.length !== plan.matched) {
    throw new InputError(
      `plan \`${name}\` has ${keys.length} of its ${String(plan.matched)} keys`,
      'the file was cut or edited: make the plan again',
    );
  }
  const id = digestOf(plan, lines);
  if (sha256 !== id) {
    throw new InputError(
      `plan \`${name}\` is not as it was written`,
      'what was reviewed and what is carried out must be one: make the plan again',
    );
  }
  return { plan: plan as SavedPlan, keys, digests, id };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
