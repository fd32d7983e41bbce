import { printable, printableLines } from './printable.ts';

/** A message that GitHub shows on the page of a run. */
export interface Annotation {
  readonly level: 'error' | 'warning' | 'notice';
  readonly title: string;
  readonly message: string;
}

/**
 * A workflow command: a line that GitHub Actions reads from the log of a step.
 * @see https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
 */
export function annotationLine({ level, title, message }: Annotation): string {
  return `::${level} title=${escapeProperty(title)}::${escapeData(message)}\n`;
}

/** A carriage return, which GitHub wants as %0D, is a visible `\r` by then. */
function escapeData(text: string): string {
  return printableLines(text).replaceAll('%', '%25').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/**
 * A plain line of the log: no command is read from it, whatever it contains. The runner looks for `::` behind leading
 * blanks, and for the older `##[` anywhere.
 */
export function logLine(text: string): string {
  return `${printable(text)
    .replace(/^\s*::/, ': :')
    .replaceAll('##[', '## [')}\n`;
}

/** A table for a job summary. Cells are text: nothing in them is read as Markdown or HTML. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeMarkdown).join(' | ')} |\n`;
  return line(head) + `|${' --- |'.repeat(head.length)}\n` + rows.map(line).join('');
}

/** Backslashes before punctuation keep it from having a meaning. */
function escapeMarkdown(text: string): string {
  return printable(text)
    .replace(/[\\`*_{}[\]|~]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
