import { resolve } from 'node:path';
import { once } from 'node:events';
import { expositionOf, type MetricFamily } from '../../render/exposition.ts';
import { printable } from '../../render/printable.ts';
import { replacePublicFile } from '../../support/files.ts';
import { InputError } from '../../support/failure.ts';
import { writeNamedFile } from '../../support/named-file.ts';
import { blankOf } from '../blank.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { MetricsTarget } from './target.ts';

export interface MetricsInput {
  /** A file. */
  readonly textfile?: string;
  /** Read the sizes of namespaces. */
  readonly namespaces: boolean;
  /** Seconds. */
  readonly namespacesEvery: number;
  readonly ttls?: true;
  readonly maxNamespaces: number;
}

/** The metrics as JSON has them. */
interface MetricsResult {
  readonly metrics: readonly (Omit<MetricFamily, 'samples'> & { readonly values: MetricFamily['samples'] })[];
}

const resultOf = (families: readonly MetricFamily[]): MetricsResult => ({
  metrics: families.map(({ samples: values, ...family }) => ({ ...family, values })),
});

/** `metrics` from its options to its result. */
export function metricsExecution(input: MetricsInput): Execution<MetricsResult> {
  return {
    blank: blankOf<MetricsResult>()('metrics[]'),
    rows: 'metrics',
    oneTable: true,
    run: (context) => readOnce(context, input),
    view: () => [],
  };
}

async function readOnce(context: Context, input: MetricsInput): Promise<Outcome<MetricsResult>> {
  const target = new MetricsTarget(context, {
    connect: context.reconnect,
    namespacesEvery: input.namespaces ? 0 : null,
    ttls: input.ttls === true,
    maxNamespaces: input.maxNamespaces,
    openTraffic: null,
  });
  try {
    await target.read();
    context.progress.start('reading the keys', 'steps', null);
    const { signal } = context;
    if (!signal.aborted) await Promise.race([target.keyspaceRead(), once(signal, 'abort')]);
    context.progress.stop();
    const metrics = target.families();
    const error = target.failure;
    if (input.textfile !== undefined) {
      await writeTextfile(context, input.textfile, await expositionOf(metrics));
      return { result: resultOf(metrics), printed: true, ...(error && { error }) };
    }
    const isData = context.output === 'json' || context.output === 'ndjson';
    if (!isData) await context.write(await expositionOf(metrics));
    return { result: resultOf(metrics), ...(!isData && { printed: true }), ...(error && { error }) };
  } finally {
    await target.end();
  }
}

/** A reader sees the old text or the new one. @throws InputError */
async function writeTextfile(context: Context, file: string, text: string): Promise<void> {
  const { environment, signal } = context;
  await writeNamedFile(
    resolve(environment.workingDirectory, file),
    text,
    { processes: environment.processes, signal },
    (cause) => new InputError(`--textfile: \`${printable(file)}\` was not written: ${cause}`),
    replacePublicFile,
  );
}
