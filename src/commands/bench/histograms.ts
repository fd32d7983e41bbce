import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { WorkloadName } from '../../bench/options.ts';
import type { BenchOutcome } from '../../bench/run.ts';
import { fileFailureText, InputError } from '../../support/failure.ts';
import type { Context } from '../context.ts';

/** Of `--hdr-file-prefix`, for each workload. */
const endings = ['hgrm', 'hlog', 'json'] as const;

/** `run_get`; of the other server `run_other_get`. */
const stemOf = (prefix: string, workload: WorkloadName, isOther: boolean) =>
  `${prefix}${isOther ? '_other' : ''}_${workload}`;

/**
 * @param hasOther True where another server is measured in turn.
 * @throws InputError where one of the files is there already: what was measured once cannot be had again
 */
export function requireNewFiles(
  { environment }: Context,
  prefix: string | undefined,
  workloads: readonly WorkloadName[],
  hasOther: boolean,
): void {
  if (prefix === undefined) return;
  const existing = [false, ...(hasOther ? [true] : [])]
    .flatMap((isOther) => workloads.map((workload) => stemOf(prefix, workload, isOther)))
    .flatMap((stem) => endings.map((ending) => `${stem}.${ending}`))
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
  const [{ hgrmOf, histogramLogOf }, { memtierJsonOf }] = await Promise.all([
    import('../../bench/hdr-files.ts'),
    import('../../bench/memtier-json.ts'),
  ]);
  const written: string[] = [];
  for (const [index, of] of [report, ...(report.against === null ? [] : [report.against])].entries()) {
    const about = `cachectl bench, ${of.server.address}, ${new Date(now()).toISOString()}`;
    for (const result of of.results) {
      const seconds = distributions[index]?.get(result.name) ?? [];
      if (seconds.length === 0) continue;
      const texts = {
        hgrm: hgrmOf(seconds),
        hlog: histogramLogOf(seconds, result.name, startedAt, about),
        json: memtierJsonOf(report, of, result, seconds, startedAt),
      };
      for (const ending of endings) {
        const name = `${stemOf(prefix, result.name, index > 0)}.${ending}`;
        try {
          await writeFile(resolve(environment.workingDirectory, name), texts[ending], { flag: 'wx' });
        } catch (error) {
          throw new InputError(
            `\`${name}\` cannot be written: ${fileFailureText(error)}`,
            'name another --hdr-file-prefix',
          );
        }
        written.push(name);
      }
    }
  }
  return written;
}
