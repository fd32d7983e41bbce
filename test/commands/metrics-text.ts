import { spawnSync } from 'node:child_process';

/** The value of a sample; undefined where there is none. @param labels as they are written, without braces */
export function valueOf(text: string, name: string, labels = ''): number | undefined {
  const start = `${name}${labels === '' ? '' : `{${labels}}`} `;
  const line = text.split('\n').find((each) => each.startsWith(start));
  return line === undefined ? undefined : Number(line.slice(start.length));
}

/** Whether a program of Debian's package `prometheus` is on PATH: tests that need it are skipped where it is not. */
export const installed = (program: 'promtool' | 'prometheus'): boolean =>
  spawnSync(program, ['--version']).error === undefined;
