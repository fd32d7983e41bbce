/** What a command shows, before anyone has decided how: numbers stay numbers until a renderer turns them into text. */
export type Block = TableBlock | FactsBlock | NoteBlock | CommandBlock | TextBlock | PlotBlock;

export type Cell = string | number | boolean | null;

/**
 * How a number reads: `count` 1,204 · `bytes` 1.2 MB · `ratio` (0 to 1) 93.1 % · `seconds` 1h 30m · `millis`, `micros`
 * 0.42 ms · `perSecond` 1,204/s. `text` is shown as it is, with control characters escaped; `status` (pass, warn, fail,
 * skip) gets a color.
 */
export type Unit =
  'text' | 'count' | 'bytes' | 'ratio' | 'seconds' | 'millis' | 'micros' | 'perSecond' | 'status' | 'number';

export interface Column {
  /** The raw field's name with its unit, as in JSON: `memoryBytes`. Heads the column in csv. */
  readonly name: string;
  readonly header: string;
  readonly unit: Unit;
  /** Left out where a terminal is too narrow for all, before a name is cut or another column is left out. */
  readonly isSecondary?: true;
}

export interface TableBlock {
  readonly kind: 'table';
  /** Names the block in tsv where a command shows more than one. */
  readonly name: string;
  readonly title?: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  /** What terminals show in place of `columns` and `rows`, where people need another form than programs. */
  readonly display?: {
    readonly columns: readonly Column[];
    readonly rows: readonly (readonly Cell[])[];
    /** Depth of each row in a tree, from 0; its first column is indented by it. */
    readonly depths?: readonly number[];
  };
  /** Index of the ratio column (of those shown) to draw as a bar behind its figure on a terminal. */
  readonly barColumn?: number;
  /** On a terminal no more rows are shown than let all blocks fit on the screen; what shows the others. */
  readonly moreWith?: string;
  /** Left out where a terminal is too small for all. */
  readonly isSecondary?: true;
}

export interface FactsBlock {
  readonly kind: 'facts';
  readonly name: string;
  readonly title?: string;
  readonly facts: readonly Fact[];
}

export interface Fact {
  readonly name: string;
  readonly label: string;
  readonly value: Cell;
  readonly unit: Unit;
  /** A few words behind the value; on terminals only. */
  readonly remark?: string;
}

/** A sentence for people; left out of tsv and csv. `good`, `warning` and `bad` get a symbol and a color. */
export interface NoteBlock {
  readonly kind: 'note';
  readonly tone: 'plain' | 'title' | 'good' | 'warning' | 'bad' | 'dim';
  readonly text: string;
  /**
   * It changes what the figures mean: something could not be read, was left out, limited or estimated. Where the result is
   * for programs it is on stderr, and in JSON in `caveats`.
   */
  readonly isCaveat?: true;
  /** What the command cost the server; left out with --quiet. */
  readonly isCost?: true;
  /** Left out where a terminal is too small for all: no answer, but a remark on how it came about. */
  readonly isSecondary?: true;
  /** One of several, the most important first: a terminal that is too small for all shows the first of them; what shows the others. */
  readonly moreWith?: string;
}

/** A command to copy, under a line that says what for; where it is long in lines that a shell joins. Left out of tsv and csv. */
export interface CommandBlock {
  readonly kind: 'command';
  readonly purpose: string;
  /** As a shell is to see them: the renderer quotes. */
  readonly words: readonly string[];
}

/** A text of several lines that is the result itself: a value, a script. */
export interface TextBlock {
  readonly kind: 'text';
  readonly name: string;
  readonly title?: string;
  readonly text: string;
}

/** A curve in characters, for people; left out of tsv and csv, which have its points. */
export interface PlotBlock {
  readonly kind: 'plot';
  readonly title: string;
  /** In the order of `x`, which is above 0 and drawn by its logarithm. */
  readonly points: readonly PlotPoint[];
  readonly xUnit: Unit;
  readonly yUnit: Unit;
  /** Where things are today. */
  readonly markedX: number | null;
}

export interface PlotPoint {
  readonly x: number;
  /** Null: not known. */
  readonly y: number | null;
  readonly interval: readonly [low: number, high: number] | null;
}

/** @param remark Null or empty: none. */
export const fact = (
  name: string,
  label: string,
  value: Cell,
  unit: Unit,
  remark: string | null = null,
): Fact => ({ name, label, value, unit, ...(remark !== null && remark !== '' && { remark }) });

/** Facts under a title. */
export const factsOf = (name: string, title: string, ...facts: readonly Fact[]): FactsBlock => ({
  ...{ kind: 'facts', name, title, facts },
});

export const note = (tone: NoteBlock['tone'], text: string): NoteBlock => ({ kind: 'note', tone, text });

/** @param text What the command cost, as it reads after `cost to the server: ` */
export const costNote = (text: string): NoteBlock => ({
  ...note('dim', `cost to the server: ${text}`),
  isCost: true,
});

/** A note for each text; none where there is nothing to say. */
export const notes = (tone: NoteBlock['tone'], ...texts: readonly (string | false | null)[]): NoteBlock[] =>
  texts.flatMap((text) => (text === false || text === null ? [] : note(tone, text)));

/** The same for remarks that a small terminal leaves out first. */
export const asides = (tone: NoteBlock['tone'], ...texts: readonly (string | false | null)[]): NoteBlock[] =>
  notes(tone, ...texts).map((each) => ({ ...each, isSecondary: true }));

/** The same for what changes the meaning of the figures. */
export const caveats = (tone: NoteBlock['tone'], ...texts: readonly (string | false | null)[]): NoteBlock[] =>
  notes(tone, ...texts).map((each) => ({ ...each, isCaveat: true }));

export const caveatsOf = (blocks: readonly Block[]): NoteBlock[] =>
  blocks.filter((block) => block.kind === 'note').filter(({ isCaveat }) => isCaveat === true);

export const command = (purpose: string, ...words: string[]): CommandBlock => ({
  kind: 'command',
  purpose,
  words,
});
