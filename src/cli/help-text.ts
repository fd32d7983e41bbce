import { Help } from '@commander-js/extra-typings';

/** `  $ cachectl stats   what it is for` */
const exampleLine = /^( {2}\$ .*?)(?: {3,}(\S.*))?$/;
/** `  archive  each key as DUMP gives it`: the text starts at a column of its own. */
const termLine = /^( +\S+ {2,})\S/;

const help = Object.assign(new Help(), { minWidthToWrap: 1 });

/**
 * The text that follows a command's options, in lines of at most `width` columns. Lines without indentation that follow each
 * other are one paragraph. Where one example is too wide, each purpose is on the line above its command, which stays whole.
 */
export function fittedHelp(text: string, width: number): string {
  const isTooWide = (line: string) => line.length > width;
  const lines = text.split('\n');
  if (!lines.some(isTooWide)) return text;
  const stacked = lines.some((line) => exampleLine.test(line) && isTooWide(line));
  return joinedParagraphs(lines)
    .flatMap((line) => {
      const [, command, purpose] = exampleLine.exec(line) ?? [];
      if (command !== undefined)
        return stacked && purpose !== undefined ? [...broken(`  # ${purpose}`, width), command] : [line];
      return broken(line, width);
    })
    .join('\n');
}

/** A line in lines that are no wider, each below the text that it continues. */
function broken(line: string, width: number): string[] {
  const start = termLine.exec(line)?.[1] ?? /^ */.exec(line)?.[0] ?? '';
  const below = ' '.repeat(start.length);
  return help
    .boxWrap(line.slice(start.length), width - below.length)
    .split('\n')
    .map((part, index) => (index === 0 ? start : below) + part);
}

function joinedParagraphs(lines: readonly string[]): string[] {
  const joined: string[] = [];
  for (const line of lines) {
    const before = joined.at(-1) ?? '';
    if (/^[^\s]/.test(line) && /^[^\s].*[^:]$/.test(before)) joined[joined.length - 1] = `${before} ${line}`;
    else joined.push(line);
  }
  return joined;
}
