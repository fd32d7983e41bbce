import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { WorkloadName } from '../../bench/options.ts';
import type { BenchOutcome } from '../../bench/run.ts';
import { fileFailureText, InputError } from '../../support/failure.ts';
import type { Context } from '../context.ts';

/** Of `--hdr-file-prefix`, for each workload. */
const namesOf = (prefix: string, workload: WorkloadName) =>
  [`${prefix}_${workload}.hgrm`, `${prefix}_${workload}.hlog`] as const;

/** @throws InputError where one of the files is there already: what was measured once cannot be had again */
export function requireNewFiles(
  { environment }: Context,
  prefix: string | undefined,
  workloads: readonly WorkloadName[],
): void {
  if (prefix === undefined) return;
  const existing = workloads
    .flatMap((workload) => namesOf(prefix, workload))
    .find((name) => existsSync(resolve(environment.workingDirectory, name)));
  if (existing !== undefined)
    throw new InputError(`\`${existing}\` is there already`, 'name another --hdr-file-prefix, or remove it');
}

/** @returns The names of the files. @throws InputError where one cannot be written */
export async function writeHistograms(
  { environment, now }: Context,
  prefix: string,
  { distributions, report }: BenchOutcome,
  startedAt: number,
): Promise<string[]> {
  const { hgrmOf, histogramLogOf } = await import('../../bench/hdr-files.ts');
  const about = `cachectl bench, ${report.server.address}, ${new Date(now()).toISOString()}`;
  const written: string[] = [];
  for (const [workload, seconds] of distributions) {
    if (seconds.length === 0) continue;
    const [hgrm, hlog] = namesOf(prefix, workload);
    for (const [name, text] of [
      [hgrm, hgrmOf(seconds)],
      [hlog, histogramLogOf(seconds, workload, startedAt, about)],
    ] as const) {
      try {
        await writeFile(resolve(environment.workingDirectory, name), text, { flag: 'wx' });
      } catch (error) {
        throw new InputError(
          `\`${name}\` cannot be written: ${fileFailureText(error)}`,
          'name another --hdr-file-prefix',
        );
      }
      written.push(name);
    }
  }
  return written;
}
