import { Readable } from 'node:stream';
import {
  type Captured,
  type CaptureTerms,
  type Context,
  type Execution,
  isReportFormat,
  type Outcome,
  type Protections,
  reportFormats,
} from '../commands/context.ts';
import { exitCodes, type ExitCode } from '../commands/exit-codes.ts';
import type { Progress } from '../support/progress.ts';
import { Connections } from './connections.ts';
import type { OpenScreen } from '../commands/screen.ts';
import { findConfigFile } from '../config/find.ts';
import type { JudgedConfig } from '../config/trust.ts';
import { pick } from '../support/collections.ts';
import { InputError, isAbort } from '../support/failure.ts';
import { buildMap } from '../config/build-map.ts';
import { emptyMap } from '../keyspace/map.ts';
import type { RedisServer } from '../redis/server.ts';
import type { ConnectTarget } from '../redis/target.ts';
import { requireWritable } from '../commands/protection.ts';
import {
  type Failure,
  failureOf,
  failureText,
  interruptedFailure,
  interruptionOf,
  Messages,
} from './failures.ts';
import { type Interruption, interruptible, type Io, type Output } from './io.ts';
import type { GlobalOptions } from './options.ts';
import { terminalLive } from './live.ts';
import { Printer, withFormat } from './printer.ts';
import { processFacts, trustedOwners } from './process-facts.ts';
import { terminalProgress } from './progress.ts';
import { terminalPrompts } from './prompts.ts';
import { furtherTarget, type ResolvedSettings, resolveSettings } from './settings.ts';
import { suspensionGuard, canDraw } from './terminal.ts';
import { version } from './version.ts';

/** How another command line is run in this process. */
export type RunCli = (argv: readonly string[], io: Io) => Promise<ExitCode>;

/** What options, environment and map come to. */
interface Settled {
  readonly loaded: JudgedConfig | null;
  readonly resolved: ResolvedSettings;
  /** In place of that on the terminal. */
  readonly progress?: Progress;
}

/**
 * Runs one command from its resolved options to its printed result, and gives the exit code.
 * @param settled of the run that this one is a part of: what it has warned of and asked for is not repeated
 */
export async function execute<Result extends object>(
  io: Io,
  given: GlobalOptions,
  command: string,
  execution: Execution<Result>,
  runCli: RunCli,
  settled?: Settled,
): Promise<ExitCode> {
  const options = withFormat(given, io, execution.formatInPipe);
  const printer = new Printer(io, command, options);
  // A line that is rewritten in place would be torn by those of --verbose.
  const progress =
    settled?.progress ?? terminalProgress(io, options.quiet !== true && options.verbose !== true);
  const messages = new Messages();
  const connections = new Connections(io);
  let outcome: Outcome<Result> | undefined;
  let failure: Failure | undefined;
  try {
    requireFormat(options, command, execution);
    if (options.verbose === true || options.log !== undefined) {
      const { traceOf } = await import('./trace.ts');
      connections.trace = traceOf(io, options, (line) => messages.write(() => printer.fail(line)));
    }
    const run = { io, options, command, printer, messages, progress, connections, runCli };
    outcome = await execution.run(await contextOf(run, execution, settled));
    if (outcome.error) failure = failureOf(outcome.error, command);
    await connections.settle();
  } catch (error) {
    // What was given up because of a signal is no failure of its own.
    if (!(io.signal.aborted && isAbort(error))) failure = failureOf(error, command);
    if (failure?.kind === 'bug' && io.variables['CACHECTL_DEBUG'] && error instanceof Error)
      printer.warn(error.stack ?? '');
  } finally {
    progress.stop();
    await connections.close(command, (text) => printer.warn(text));
  }
  const interruption = io.signal.aborted ? (io.signal.reason as Interruption) : undefined;
  if (interruption === 'EPIPE') return exitCodes.success;
  if (interruption === 'EWRITE') return exitCodes.negative;
  if (interruption !== undefined && outcome?.printed !== true)
    failure = interruptedFailure(interruption, outcome !== undefined, failure);
  if (outcome?.printed !== true)
    await printer.finish(execution, outcome, failure, connections.lookups, messages.linesAboutResult);
  messages.writeAboutResult();
  if (failure) printer.fail(failureText(failure));
  if (interruption !== undefined) return interruptionOf(interruption, false).exitCode;
  return failure?.exitCode ?? outcome?.exitCode ?? exitCodes.success;
}

/** A report is made by some commands only. @throws InputError */
function requireFormat<Result extends object>(
  { output }: GlobalOptions,
  command: string,
  { formats }: Pick<Execution<Result>, 'formats'>,
): void {
  if (!isReportFormat(output) || formats?.[output] !== undefined) return;
  throw new InputError(
    `\`--output ${output}\` is for ${reportFormats[output]}`,
    `\`${command}\` prints table, tsv, csv, json and ndjson`,
  );
}

/** What a run has of the process. */
interface Run {
  readonly io: Io;
  readonly options: GlobalOptions;
  readonly command: string;
  readonly printer: Printer;
  readonly messages: Messages;
  readonly progress: Progress;
  readonly connections: Connections;
  readonly runCli: RunCli;
}

/** What the command gets, from its settings resolved. @throws Error where they do not let it run */
async function contextOf<Result extends object>(
  run: Run,
  execution: Execution<Result>,
  before?: Settled,
): Promise<Context> {
  const { io, options, printer, messages, connections } = run;
  const settled = before ?? (await settle(io, options, execution.standalone === true));
  const { loaded, resolved } = settled;
  requireProfile(resolved, execution, run.command);
  const warn = (text: string) => messages.write(() => printer.warn(text));
  if (before === undefined) for (const text of resolved.warnings) warn(text);
  const { enter, reenter, protectionsOf } = entranceOf(
    run,
    resolved,
    loaded,
    execution.writes === true,
    warn,
  );
  let connection: Promise<RedisServer> | undefined;
  const live = terminalLive(io, options.quiet !== true, options.color);
  return {
    map: loaded === null ? emptyMap : buildMap(loaded.config),
    configFile: loaded?.file ?? null,
    profiles: loaded?.config.profiles ?? {},
    ...pick(resolved, ['profile', 'backupPolicy', 'settings', 'output']),
    protectionsOf,
    environment: {
      ...pick(io, ['variables', 'workingDirectory', 'packageRoot', 'program']),
      version,
      get stdin() {
        return io.stdin;
      },
      stdoutIsTerminal: io.stdout.isTTY === true,
      processes: processFacts(),
      owners: trustedOwners(io.variables),
    },
    ...pick(io, ['signal', 'now', 'random']),
    progress: run.progress,
    live,
    prompts: terminalPrompts(io, () => messages.writeAboutResult()),
    openScreen: resolved.output === 'table' && canDraw(io) ? screenOpener(io, options.color, messages) : null,
    connect: () => (connection ??= enter()),
    reconnect: reenter,
    connectTo: (target) => connections.connect(target, warn),
    targetOf: (name) => furtherTarget(name, options, io.variables, loaded, io, warn),
    ownLookups: () => connections.lookups,
    publish: (result) =>
      printer.finish(execution, { result: result as Result }, undefined, connections.lookups),
    print: (blocks) => printer.print(blocks),
    show: (blocks) => printer.show(blocks),
    remark: (blocks) => printer.remark(blocks),
    withoutSuspension: suspensionGuard((text) => {
      live.clear();
      warn(text);
    }),
    warn,
    warnOfResult: (text) => messages.writeAfterResult(() => printer.warn(text), printer.linesOfWarning(text)),
    runCommand: (argv, variables) =>
      run.runCli(argv, { ...io, variables: { ...io.variables, ...variables } }),
    runExecution: (command, other) =>
      interruptible(io, (own) => execute(own, options, command, other, run.runCli, settled)),
    runCaptured: (name, inner, terms) => runCaptured(run, settled, name, inner, terms),
    write: (text) => printer.write(text),
    writeBytes: (bytes) => printer.write(bytes),
    openRows: (name, columns) => printer.openRows(name, columns),
  };
}

async function settle(io: Io, options: GlobalOptions, isStandalone: boolean): Promise<Settled> {
  if (isStandalone) {
    const shown = pick(options, ['color', 'output', 'outputOrigin']);
    return { loaded: null, resolved: await resolve({ ...io, variables: {} }, shown, null) };
  }
  const loaded = await loadMap(io, options);
  return { loaded, resolved: await resolve(io, options, loaded) };
}

/** The map and the settings are those of the run around it, but for another profile of the same map. */
async function runCaptured<Result extends object>(
  { io, options: given, runCli }: Run,
  { loaded, resolved }: Settled,
  command: string,
  execution: Execution<Result>,
  { signal, progress, profile }: CaptureTerms,
): Promise<Captured> {
  const { verbose: _, ...quiet } = given;
  const options = { ...quiet, color: false, output: 'json' } as const;
  const stdout = capture();
  const stderr = capture();
  const inner: Io = {
    ...io,
    ...{ stdin: Readable.from([]), stdout: stdout.stream, stderr: stderr.stream },
    signal: AbortSignal.any([io.signal, signal]),
  };
  const settings =
    profile === undefined
      ? resolved
      : await resolve(inner, { color: false, ...pick(given, ['timeout', 'retryFor']), profile }, loaded);
  const settled = { loaded, resolved: { ...settings, output: 'json' as const }, progress };
  const exitCode = await execute(inner, options, command, execution, runCli, settled);
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
}

function capture(): { readonly stream: Output; readonly text: () => string } {
  const chunks: Buffer[] = [];
  const write = (chunk: string | Buffer) => chunks.push(Buffer.from(chunk)) > 0;
  const ignore = () => undefined;
  return { stream: { write, on: ignore, off: ignore }, text: () => Buffer.concat(chunks).toString() };
}

/** The profile in force refuses before anything is connected to, and once more with all others of its server. */
function requireProfile(
  { profile, obstacle }: ResolvedSettings,
  { writes, connects }: Pick<Execution<object>, 'writes' | 'connects'>,
  command: string,
): void {
  if (writes === true && profile?.readOnly === true) {
    const { name } = profile;
    requireWritable({ name, protectedBy: null, readOnlyBy: { name, because: null } }, `\`${command}\``);
  }
  if (connects !== false && obstacle !== null) throw obstacle;
}

/** How the run gets to its server, and what protects the server from it. */
function entranceOf(
  { io, command, connections }: Run,
  resolved: ResolvedSettings,
  loaded: JudgedConfig | null,
  writes: boolean,
  warn: (text: string) => void,
): Pick<Context, 'protectionsOf'> & { enter: Context['connect']; reenter: Context['reconnect'] } {
  const found = new WeakMap<RedisServer, Promise<Protections | null>>();
  const protectionsOf = (server: RedisServer, named?: string) => {
    const asked = named === undefined ? resolved : namedAlone(named, loaded);
    // Loaded where something is about to be changed.
    const find = async () =>
      (await import('./protections.ts')).protectionsOf(server, asked, loaded, io, warn);
    const known = found.get(server) ?? find();
    found.set(server, known);
    return known;
  };
  const enter = async (target: ConnectTarget, signal?: AbortSignal) => {
    const given = signal === undefined ? io.signal : AbortSignal.any([io.signal, signal]);
    if (resolved.obstacle !== null) throw resolved.obstacle;
    const server = await connections.connect(target, warn, given);
    if (writes) {
      requireWritable(await protectionsOf(server), `\`${command}\``);
      const { requirePrimaries } = await import('../redis/info.ts');
      await requirePrimaries(server, `\`${command}\``);
    }
    return server;
  };
  return {
    enter: () => enter(resolved.target),
    reenter: (signal) => enter({ ...resolved.target, retryMillis: 0 }, signal),
    protectionsOf,
  };
}

/** As the settings would be with this profile, or with this URL. */
function namedAlone(
  urlOrProfile: string,
  loaded: JudgedConfig | null,
): Pick<ResolvedSettings, 'profile' | 'isNamed'> {
  const profiles = loaded?.config.profiles ?? {};
  const config = Object.hasOwn(profiles, urlOrProfile) ? profiles[urlOrProfile] : undefined;
  if (config === undefined) return { profile: null, isNamed: false };
  const { protected: isProtected = false, readOnly = false } = config;
  return { profile: { name: urlOrProfile, protected: isProtected, readOnly }, isNamed: true };
}

/** The map in use, or null. The validator is only loaded where there is a file to validate. */
async function loadMap(io: Io, options: GlobalOptions): Promise<JudgedConfig | null> {
  const found = findConfigFile(io.workingDirectory, io.variables, options.config);
  if (found === null) return null;
  const { loadConfig } = await import('../config/load.ts');
  const { judgeMap } = await import('../config/trust.ts');
  const loaded = await loadConfig(found.file, io.signal);
  const { source } = found;
  return { ...loaded, source, trust: judgeMap(loaded, source, io.variables, trustedOwners(io.variables)) };
}

/** The screen needs its colors when it is opened, and no sooner. */
function screenOpener(io: Io, colorFlag: boolean, messages: Messages): OpenScreen {
  return async (listener) => {
    const { TerminalScreen } = await import('./screen.ts');
    messages.hold();
    return new TerminalScreen(io, colorFlag, listener, () => messages.release());
  };
}

async function resolve(
  io: Io,
  options: GlobalOptions,
  loaded: JudgedConfig | null,
): Promise<ResolvedSettings> {
  const surroundings = {
    ...pick(io, ['workingDirectory', 'signal']),
    stdoutIsTerminal: io.stdout.isTTY === true,
  };
  const resolved = await resolveSettings(options, io.variables, loaded, surroundings);
  if (options.askPassword !== true) return resolved;
  const prompts = terminalPrompts(io);
  if (!prompts.interactive) {
    throw new InputError('--ask-password needs a terminal', 'use REDISCLI_AUTH or --password-file FILE');
  }
  const password = await prompts.password(`Password for ${resolved.target.username ?? 'the default user'}`);
  return { ...resolved, target: { ...resolved.target, password } };
}
