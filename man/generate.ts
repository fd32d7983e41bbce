import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Io } from '../src/cli/io.ts';
import { buildProgram } from '../src/cli/program.ts';
import { topicTexts } from '../src/commands/help/texts.ts';
import { helpTopics } from '../src/commands/help/topics.ts';

// Writes a manual page for each command and topic from what --help prints, and lists them in package.json, by which npm installs
// them. With --check it writes nothing, and fails where a page is stale. Usage: tsx man/generate.ts [--check]

const folder = fileURLToPath(new URL('.', import.meta.url));
const manifestFile = join(folder, '..', 'package.json');
const manifest = JSON.parse(readFileSync(manifestFile, 'utf8')) as {
  readonly version: string;
  readonly description: string;
  readonly man: readonly string[];
};

const streams = { stdout: new PassThrough(), stderr: new PassThrough(), variables: {} };
const program: CommandUnknownOpts = buildProgram(streams as unknown as Io, () => Promise.resolve());
const help = program.createHelp();

const glyphs: Readonly<Record<string, string>> = {
  ...{ '\\': '\\e', '-': '\\-', "'": '\\(aq', '`': '\\(ga', '^': '\\(ha', '~': '\\(ti', '"': '\\(dq' },
  ...{ '…': '...', '·': '\\(pc' },
};

/** Text as roff prints it: nothing in it is a request, and `-` and quotes can be copied to a shell. */
const escaped = (text: string) =>
  text.replace(/[\\\-'`^~"…·]/g, (glyph) => glyphs[glyph] ?? glyph).replace(/^[.]/gm, '\\&.');
/** A paragraph: what is in backticks is bold. */
const prose = (text: string) =>
  text
    .split(/`([^`\n]+)`/)
    .map((part, index) => (index % 2 === 0 ? escaped(part) : `\\fB${escaped(part)}\\fR`))
    .join('');
const request = (name: string, ...words: readonly string[]) =>
  [`.${name}`, ...words.map((word) => `"${escaped(word)}"`)].join(' ');
const entry = (term: string, text: string) => `.TP\n\\fB${escaped(term)}\\fR\n${prose(text)}`;

/** Help text as it is written for a terminal: headings, examples, terms with their meaning, literal lines, paragraphs. */
function roffOf(text: string): string[] {
  let isOpen = false;
  return text
    .trim()
    .split('\n')
    .flatMap((line, index, lines) => {
      const below = lines[index + 1] ?? '';
      const [, command, purpose] = /^ {2}\$ (.*?)(?: {3,}(\S.*))?$/.exec(line) ?? [];
      const [, term, meaning] = /^ {1,6}(\S+(?: \S+)*) {2,}(\S.*)$/.exec(line) ?? [];
      const wasOpen = isOpen;
      isOpen = term !== undefined || (wasOpen && line.startsWith(' '.repeat(7)));
      if (line === '') return ['.PP'];
      if (/^\S.*:$/.test(line) && (below === '' || below.startsWith(' ')) && !/[.;] /.test(line))
        return [request('SH', line.slice(0, -1).toUpperCase())];
      if (command !== undefined) return [entry(command, purpose ?? '')];
      if (term !== undefined) return [entry(term, meaning ?? '')];
      if (wasOpen && isOpen) return ['.br', prose(line.trim())];
      if (line.startsWith(' ')) return ['.PP', '.RS 4', '.nf', escaped(line.trim()), '.fi', '.RE'];
      return [prose(line)];
    })
    .filter((line, index, lines) => line !== '.PP' || !/^\.(SH|TP|PP)|^$/.test(lines[index + 1] ?? ''));
}

/** What `addHelpText('after', …)` adds to a command. */
function textAfter(command: CommandUnknownOpts): string {
  let text = '';
  const context = { error: false, command, write: (part: string) => (text += part) };
  (command as unknown as { emit(event: string, context: object): void }).emit('afterHelp', context);
  return text.replace('Connection and output options: cachectl --help', '');
}

/** Options under the headings that --help has. */
function optionsOf(command: CommandUnknownOpts): string[] {
  const options = help.visibleOptions(command);
  const groups = help.groupItems(
    [...command.options],
    options,
    (each) => each.helpGroupHeading ?? 'Options:',
  );
  return [...groups].flatMap(([heading, members]) => [
    request('SH', heading.slice(0, -1).toUpperCase()),
    ...members.map((option) => entry(help.optionTerm(option), help.optionDescription(option))),
  ]);
}

const pathOf = (command: CommandUnknownOpts): string[] =>
  command.parent === null ? [command.name()] : [...pathOf(command.parent), command.name()];
const seeAlso = (names: readonly (readonly [string, 1 | 7])[]) => [
  '.SH "SEE ALSO"',
  names.map(([name, section]) => `.BR ${escaped(name)} (${section})`).join(' ,\n'),
];
const page = (name: string, section: 1 | 7, summary: string, body: readonly string[]): [string, string] => [
  `${name}.${section}`,
  [
    `.\\" Written by npm run generate, from the texts of --help.`,
    `${request('TH', name.toUpperCase(), String(section))} "" "cachectl ${manifest.version}" "cachectl"`,
    // Names of options are not to be hyphenated, nor spread over the line.
    '.nh',
    '.ad l',
    '.SH NAME',
    `${escaped(name)} \\- ${escaped(summary)}`,
    ...body,
    '',
  ].join('\n'),
];

const topicPages = helpTopics.map(([name, summary]) =>
  page(`cachectl-${name}`, 7, summary, [
    '.SH DESCRIPTION',
    ...roffOf(topicTexts[name]),
    ...seeAlso([['cachectl', 1]]),
  ]),
);

function commandPages(command: CommandUnknownOpts): [string, string][] {
  const path = pathOf(command);
  const subcommands = help.visibleCommands(command).filter((each) => each.name() !== 'help');
  const args = help.visibleArguments(command);
  const around: (readonly [string, 1 | 7])[] = [
    ...path.slice(1).map((_, index) => [path.slice(0, index + 1).join('-'), 1] as const),
    ...subcommands.map((each) => [pathOf(each).join('-'), 1] as const),
    ...helpTopics.map(([name]) => [`cachectl-${name}`, 7] as const),
  ];
  const body = [
    '.SH SYNOPSIS',
    `\\fB${escaped(path.join(' '))}\\fR ${escaped(command.usage())}`,
    '.SH DESCRIPTION',
    ...roffOf(command.description()),
    ...(args.length === 0 ? [] : ['.SH ARGUMENTS']),
    ...args.map((each) => entry(help.argumentTerm(each), help.argumentDescription(each))),
    ...optionsOf(command),
    ...(command === program
      ? []
      : ['.PP', 'Options of the connection and of the output: see \\fBcachectl\\fR(1).']),
    ...(subcommands.length === 0 ? [] : ['.SH COMMANDS']),
    ...subcommands.map((each) => entry(help.subcommandTerm(each), help.subcommandDescription(each))),
    ...roffOf(textAfter(command)),
    ...seeAlso(around),
  ];
  const summary = command === program ? manifest.description : command.summary();
  return [page(path.join('-'), 1, summary, body), ...subcommands.flatMap(commandPages)];
}

const pages = new Map([...commandPages(program), ...topicPages]);
const there = readdirSync(folder).filter((name) => /\.[17]$/.test(name));
const listed = [...pages.keys()].sort().map((name) => `man/${name}`);
const isStale = (name: string) =>
  !there.includes(name) || readFileSync(join(folder, name), 'utf8') !== pages.get(name);
const stale = [
  ...[...pages.keys()].filter(isStale),
  ...there.filter((name) => !pages.has(name)),
  ...(manifest.man.join() === listed.join() ? [] : ['the list of pages in package.json']),
];

if (process.argv[2] !== '--check') {
  for (const name of there) rmSync(join(folder, name));
  for (const [name, text] of pages) writeFileSync(join(folder, name), text);
  writeFileSync(manifestFile, `${JSON.stringify({ ...manifest, man: listed }, null, 2)}\n`);
} else if (stale.length > 0) {
  process.stderr.write(`stale manual pages, which npm run generate writes: ${stale.join(', ')}\n`);
  process.exitCode = 1;
}
