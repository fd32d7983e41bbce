import type { ProfileConfig } from '../config/schema.ts';
import type { NamespaceMap } from '../keyspace/map.ts';
import type { Progress } from '../support/progress.ts';
import type { RedisServer } from '../redis/server.ts';
import type { OwnLookups } from '../redis/lookups.ts';
import type { ConnectTarget } from '../redis/target.ts';
import type { Block, Cell, Column } from '../render/blocks.ts';
import type { ProcessFacts } from '../support/processes.ts';
import type { Blank } from './blank.ts';
import type { ExitCode } from './exit-codes.ts';
import type { OpenScreen } from './screen.ts';

/** A resolved setting, as `config show` prints it. */
export interface Setting {
  readonly name: string;
  /** Masked where it is a secret. */
  readonly value: string | null;
  /** `--url`, `REDIS_URL`, `profile prod`, `default`, … */
  readonly origin: string;
}

/** What a command may use of the world around it. Everything costly is behind a function, and loaded when called. */
export interface Context {
  readonly map: NamespaceMap;
  /** The file of the map, or null where none was found. */
  readonly configFile: string | null;
  /** Of the map, by name. */
  readonly profiles: Readonly<Record<string, ProfileConfig>>;
  /** The profile in force, or null where a bare URL is. */
  readonly profile: { readonly name: string } | null;
  /** Whether removals keep the values where no option says so: as the profile in force says. */
  readonly backupPolicy: 'always' | 'small' | 'never';
  /**
   * What protects a connected server, to be asked before anything is changed on it: the address that was given says too
   * little, for a server has many. Null: no profile leads there. Of a further server it is asked first with the URL or profile
   * that it was named with, and later without. @throws RedisError where the connection is lost
   */
  readonly protectionsOf: (server: RedisServer, named?: string) => Promise<Protections | null>;
  /** Every resolved setting with where it came from; secrets masked. */
  readonly settings: readonly Setting[];
  readonly output: OutputFormat | ReportFormat;
  readonly environment: Environment;
  /** Aborted by Ctrl-C, SIGTERM, or a reader that went away: finish the batch in hand, then report what was done. */
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** What a person sees of a result before it is there. */
  readonly live: Live;
  readonly prompts: Prompts;
  /** Takes the terminal over, for a live view; null where stdout is none, or the result is for programs. */
  readonly openScreen: OpenScreen | null;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** From 0 to 1, 1 excluded. */
  readonly random: () => number;
  /** The connection of this run, opened at the first call and closed by the caller of the command. @throws RedisError */
  readonly connect: () => Promise<RedisServer>;
  /**
   * Another connection at each call, for who waits for the server in a way of its own: what is lost or not ready fails at once there.
   * Closed in the same way. `signal` gives the attempt up, as an interruption does. @throws RedisError
   */
  readonly reconnect: (signal?: AbortSignal) => Promise<RedisServer>;
  /** Shows blocks to the person on stderr, in addition to the result; nothing where the output is for programs, or with --quiet. */
  readonly show: (blocks: readonly Block[]) => Promise<void>;
  /** The same whatever the output is for: where stdout is taken by data, and the result has no other place. */
  readonly remark: (blocks: readonly Block[]) => Promise<void>;
  /**
   * Runs work for which the server keeps what it sends: Ctrl-Z does not stop the process meanwhile, and a warning says why.
   */
  readonly withoutSuspension: <T>(work: () => Promise<T>) => Promise<T>;
  /** A warning for the person about what is happening, on stderr. */
  readonly warn: (text: string) => void;
  /** The same about the result: behind it, or before the next question. */
  readonly warnOfResult: (text: string) => void;
  /** A further connection, to somewhere else; closed with the run as well. @throws RedisError */
  readonly connectTo: (target: ConnectTarget) => Promise<RedisServer>;
  /**
   * Where an argument leads that is a Redis URL or the name of a profile, with all that the profile says; null where it
   * is neither. The options for the connection of this run hold for that one alone. @throws InputError
   */
  readonly targetOf: (urlOrProfile: string) => Promise<ConnectTarget | null>;
  /** What this run has looked up on all its connections so far. */
  readonly ownLookups: () => OwnLookups;
  /** Prints the result now, for a command that continues after it. */
  readonly publish: (result: object) => Promise<void>;
  /** Prints blocks on stdout as for a terminal, whatever the format; for a text that leads through other commands. */
  readonly print: (blocks: readonly Block[]) => Promise<void>;
  /** Runs another command line of this program with the same streams; `settings` overrides environment variables. */
  readonly runCommand: (
    argv: readonly string[],
    settings?: Readonly<Record<string, string>>,
  ) => Promise<ExitCode>;
  /**
   * Runs another command with the settings and the connection options of this run, and prints its result. Ctrl-C ends that one alone.
   */
  readonly runExecution: <Result extends object>(
    command: string,
    execution: Execution<Result>,
  ) => Promise<ExitCode>;
  /**
   * The same on a connection of its own, for a program: gives what the command would print with --output json. It can ask
   * nothing. A failure is in what it printed. @throws InputError for a profile that cannot be used
   */
  readonly runCaptured: <Result extends object>(
    command: string,
    execution: Execution<Result>,
    terms: CaptureTerms,
  ) => Promise<Captured>;
  /** Writes to stdout as it is, with back-pressure; for a result that is a text of its own (a completion script). */
  readonly write: (text: string) => Promise<void>;
  /** The same for bytes. */
  readonly writeBytes: (bytes: Buffer) => Promise<void>;
  /** Opens the rows of a command that prints them as they come; `name` is their list in JSON. */
  readonly openRows: (name: string, columns: readonly Column[]) => Promise<RowSink>;
}

export interface CaptureTerms {
  /** Ends this command alone; its reason is the name of a signal. */
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** In place of the server of this run. */
  readonly profile?: string;
}

/** What a command has printed. */
export interface Captured {
  readonly exitCode: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

/** What keeps a server from being changed; of several profiles all protections hold. */
export interface Protections {
  /** The profile in force: of several, the one that forbids most. */
  readonly name: string;
  readonly protectedBy: Protector | null;
  readonly readOnlyBy: Protector | null;
}

export interface Protector {
  /** The profile. */
  readonly name: string;
  /** How the server was recognized, as a sentence; null: the profile was named, or its address was. */
  readonly because: string | null;
}

/** Blocks on stderr that are drawn over the ones before. */
export interface Live {
  /** True where a person waits at a terminal. */
  readonly isAvailable: boolean;
  draw(blocks: readonly Block[]): Promise<void>;
  /** Takes away what was drawn last. */
  clear(): void;
}

/** Takes rows one by one. `cells` follow the columns; `record` is the row in JSON. Resolves when the reader keeps up. */
export interface RowSink {
  readonly row: (cells: readonly Cell[], record: object) => Promise<void>;
}

/** The process, as far as a command may see it. */
export interface Environment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** Folder of this package, which contains `examples/`. */
  readonly packageRoot: string;
  /** What runs the program again from here: `cachectl`, or its path where that is not on PATH. */
  readonly program: string;
  /** Of this program. */
  readonly version: string;
  readonly stdin: NodeJS.ReadableStream;
  readonly stdoutIsTerminal: boolean;
  readonly processes: ProcessFacts;
  /** Users whose files are as good as one's own; null where files have no owners. */
  readonly owners: readonly number[] | null;
}

export const outputFormats = ['table', 'tsv', 'csv', 'json', 'ndjson'] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** Values of `--output` that only some commands know, with these commands; each has a text for it in `formats`. */
export const reportFormats = {
  junit: '`check` and `doctor`',
  github: '`check` and `doctor`',
  sarif: '`check` and `doctor`',
} as const;
export type ReportFormat = keyof typeof reportFormats;

export function isReportFormat(format: string | undefined): format is ReportFormat {
  return format !== undefined && Object.hasOwn(reportFormats, format);
}

/** Questions to the person at the terminal. Each throws DeclinedError where there is none. */
export interface Prompts {
  /** True where a person can answer: stdin and stderr are terminals, and this is no CI. */
  readonly interactive: boolean;
  confirm(question: string): Promise<boolean>;
  /** The typed text must equal `expected`. */
  confirmByTyping(question: string, expected: string): Promise<boolean>;
  select<T>(
    question: string,
    choices: readonly { readonly name: string; readonly value: T; readonly description?: string }[],
  ): Promise<T>;
  input(question: string): Promise<string>;
  /** Not echoed. */
  password(question: string): Promise<string>;
}

/** The person said no, or there was no one to say yes. */
export class DeclinedError extends Error {
  override readonly name = 'DeclinedError';

  constructor(
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}

/** Ctrl-C or Ctrl-D at a question. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
}

/** What a command gives back. `error` with a result: the work ended half-way, and the result shows how far it came. */
export interface Outcome<Result> {
  readonly result: Result;
  readonly exitCode?: ExitCode;
  readonly error?: Error;
  /** The command has printed its result itself. */
  readonly printed?: true;
  /** What the person at the terminal has seen of the result by now: the plan before the question, or all there is to say. */
  readonly seen?: 'plan' | 'all';
}

/** For whom a result is shown. */
export interface Audience {
  /** A person reads it; else it is rows for a program. */
  readonly isPerson: boolean;
  readonly seen: 'plan' | 'all' | null;
}

/** One run of a command, from its parsed input to text. */
export interface Execution<Result extends object> {
  /** The fields of the result as JSON shows them when there is no result: lists empty, the rest null. */
  readonly blank: Blank<Result>;
  /** The list that `ndjson` prints line by line; the other fields follow in a last line. */
  readonly rows?: keyof Result & string;
  /** The format where there is no terminal and no other was asked for; tsv unless said. */
  readonly formatInPipe?: OutputFormat;
  /** True for a command that shows one table and never more: its tab-separated lines do not start with the table's name. */
  readonly oneTable?: true;
  /** True for a command that reads no map and no connection settings, and must work where they are broken. */
  readonly standalone?: boolean;
  /** False for a command that shows the settings, also those that no connection could be opened with. */
  readonly connects?: false;
  /** True for a command that changes the server: refused by a read-only profile. */
  readonly writes?: boolean;
  run(context: Context): Promise<Outcome<Result>>;
  /** The result for people; also the source of tsv and csv. */
  view(result: Result, own: OwnLookups, audience: Audience): Block[];
  /** The result as a report of another tool's form. */
  readonly formats?: Readonly<Partial<Record<ReportFormat, (result: Result) => Promise<string>>>>;
}
