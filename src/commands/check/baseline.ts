import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Baseline, baselineTitles, compareBaseline } from '../../health/baseline.ts';
import type { GateFacts } from '../../health/gates.ts';
import type { Answer } from '../../health/report.ts';
import { printable } from '../../render/printable.ts';
import { InputError } from '../../support/failure.ts';
import { readNamedJson, writeNamedFile } from '../../support/named-file.ts';
import { sealed, unsealed } from '../../support/sealed.ts';
import type { Context } from '../context.ts';

const format = 'cachectl-check-baseline-1';

const defaultTolerance = 0.05;

/** @throws InputError where the file is no baseline, or not as it was written */
export async function readBaseline({ environment, signal }: Context, name: string): Promise<Baseline> {
  const hint = '`cachectl check --save-baseline FILE` writes one';
  const failure = (cause: string) =>
    new InputError(`--baseline: \`${printable(name)}\` cannot be compared with: ${cause}`, hint);
  const path = resolve(environment.workingDirectory, name);
  const fields = unsealed(await readNamedJson(path, signal, failure));
  if (fields?.['format'] !== format)
    throw failure('it is no baseline of `check`, or is not as it was written');
  return fields as unknown as Baseline;
}

/** Replaces an earlier baseline, and nothing else. @throws InputError */
export async function saveBaseline(context: Context, name: string, baseline: Baseline): Promise<void> {
  const { environment, signal } = context;
  await requireReplaceable(context, name);
  await writeNamedFile(
    resolve(environment.workingDirectory, name),
    `${JSON.stringify(sealed({ format, ...baseline }))}\n`,
    { processes: environment.processes, signal },
    (cause) => new InputError(`--save-baseline: \`${printable(name)}\` was not written: ${cause}`),
  );
}

async function requireReplaceable(context: Context, name: string): Promise<void> {
  const path = resolve(context.environment.workingDirectory, name);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return;
  await readBaseline(context, name).catch(() => {
    throw new InputError(
      `--save-baseline: \`${printable(name)}\` is there and is no baseline; it was left as it is`,
    );
  });
}

/** Rows for what is compared, and a warning where it is of another server. */
export function baselineAnswers(
  { warnOfResult }: Context,
  before: Baseline,
  now: Baseline,
  facts: GateFacts,
  tolerance = defaultTolerance,
): Answer[] {
  if (before.address !== now.address)
    warnOfResult(`the baseline is of ${printable(before.address)}, and this is ${now.address}`);
  return compareBaseline(before, now, facts, tolerance).map(([id, found]) => ({
    ...{ id, title: baselineTitles[id], durationMillis: 0 },
    ...found,
  }));
}
