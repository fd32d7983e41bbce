import { appendFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileFailureText } from '../support/failure.ts';
import type { Context } from './context.ts';

/** Adds Markdown to the summary of the job of GitHub Actions that this runs in, if it does. */
export function appendJobSummary({ environment, warn }: Context, text: string): void {
  const { variables, workingDirectory } = environment;
  const file = variables['GITHUB_STEP_SUMMARY'] ?? '';
  if (file === '') return;
  try {
    appendFileSync(resolve(workingDirectory, file), text);
  } catch (error) {
    warn(`the job summary \`${file}\` was not written: ${fileFailureText(error)}`);
  }
}
