import { setTimeout as pause } from 'node:timers/promises';
import {
  type Context,
  type Execution,
  isReportFormat,
  type Outcome,
  type Protections,
  reportFormats,
} from '../commands/context.ts';
import { exitCodes, type ExitCode } from '../commands/exit-codes.ts';
import { sumLookups } from '../redis/lookups.ts';
import type { OpenScreen } from '../commands/screen.ts';
import { findConfigFile } from '../config/find.ts';
import type { JudgedConfig } from '../config/trust.ts';
import { InputError, isAbort } from '../support/failure.ts';
import { buildMap } from '../config/build-map.ts';
import { emptyMap } from '../keyspace/map.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import type { ConnectTarget } from '../redis/target.ts';
import { requireWritable } from '../commands/protection.ts';
import { type Failure, failureOf, failureText, interruptionOf, Messages } from './failures.ts';
import type { Interruption, Io } from './io.ts';
import type { GlobalOptions } from './options.ts';
import { terminalLive } from './live.ts';
import { Printer, withFormat } from './printer.ts';
import { processFacts, trustedOwners } from './process-facts.ts';
import { terminalProgress } from './progress.ts';
import { terminalPrompts } from './prompts.ts';
import { furtherTarget, type ResolvedSettings, resolveSettings } from './settings.ts';
import { suspensionGuard, canDraw } from './terminal.ts';

/** How another command line is run in this process. */
export type RunCli = (argv: readonly string[], io: Io) => Promise<ExitCode>;

/** Runs one command from its resolved options to its printed result, and gives the exit code. */
export async function execute<Result extends object>(
  io: Io,
  given: GlobalOptions,
  command: string,
  execution: Execution<Result>,
  runCli: RunCli,
): Promise<ExitCode> {
  const options = withFormat(given, io, execution.formatInPipe);
  const printer = new Printer(io, command, options);
  const messages = new Messages();
  const progress = terminalProgress(io, options.quiet !== true);
  const open: RedisServer[] = [];
  const ownLookups = () => sumLookups(open.flatMap(({ nodes }) => nodes.map(({ lookups }) => lookups)));
  let remark: Promise<void> | undefined;
  let outcome: Outcome<Result> | undefined;
  let failure: Failure | undefined;
  try {
    if (isReportFormat(options.output) && execution.formats?.[options.output] === undefined) {
      throw new InputError(
        `\`--output ${options.output}\` is for ${reportFormats[options.output]}`,
        `\`${command}\` prints table, tsv, csv, json and ndjson`,
      );
    }
    const loaded = execution.standalone === true ? null : await loadMap(io, options);
    const resolved =
      execution.standalone === true
        ? await resolve({ ...io, variables: {} }, outputOnly(options), null)
        : await resolve(io, options, loaded);
    const { profile } = resolved;
    const subject = `\`${command}\``;
    // The profile in force refuses before anything is connected to, and once more with all others of its server.
    if (execution.writes === true && profile?.readOnly === true) {
      const { name } = profile;
      requireWritable({ name, protectedBy: null, readOnlyBy: { name, because: null } }, subject);
    }
    if (execution.connects !== false && resolved.obstacle !== null) throw resolved.obstacle;
    const warn = (text: string) => messages.tell(() => printer.warn(text));
    for (const text of resolved.warnings) warn(text);
    let connection: Promise<RedisServer> | undefined;
    const protections = new WeakMap<RedisServer, Promise<Protections | null>>();
    const protectionsOf = (server: RedisServer) => {
      const known = protections.get(server) ?? findProtections(server, resolved, loaded, io, warn);
      protections.set(server, known);
      return known;
    };
    const enter = async (signal?: AbortSignal) => {
      const { countPrimaries } = await import('../redis/cluster.ts');
      const given = signal === undefined ? io.signal : AbortSignal.any([io.signal, signal]);
      const server = await connectTo(resolved.target, open, given);
      if (execution.writes === true) {
        requireWritable(await protectionsOf(server), subject);
        const { requirePrimaries } = await import('../redis/info.ts');
        await requirePrimaries(server, subject);
      }
      // Sent before anything that the command asks, which may count the commands of the server.
      remark ??= remarkOnCluster(server, countPrimaries, warn);
      return server;
    };
    const live = terminalLive(io, options.quiet !== true, options.color);
    const context: Context = {
      map: loaded === null ? emptyMap : buildMap(loaded.config),
      configFile: loaded?.file ?? null,
      profiles: loaded?.config.profiles ?? {},
      profile,
      backupPolicy: resolved.backup,
      protectionsOf,
      settings: resolved.settings,
      output: resolved.output,
      environment: {
        variables: io.variables,
        workingDirectory: io.workingDirectory,
        packageRoot: io.packageRoot,
        stdin: io.stdin,
        stdoutIsTerminal: io.stdout.isTTY === true,
        processes: processFacts(),
        owners: trustedOwners(io.variables),
      },
      signal: io.signal,
      progress,
      live,
      prompts: terminalPrompts(io),
      openScreen:
        resolved.output === 'table' && canDraw(io) ? screenOpener(io, options.color, messages) : null,
      now: io.now,
      random: io.random,
      connect: () => (connection ??= enter()),
      reconnect: enter,
      connectTo: (target) => connectTo(target, open, io.signal),
      targetOf: (name) => furtherTarget(name, options, io.variables, loaded, io, warn),
      ownLookups,
      publish: (result) => printer.finish(execution, { result: result as Result }, undefined, ownLookups()),
      print: (blocks) => printer.print(blocks),
      show: (blocks) => printer.show(blocks),
      remark: (blocks) => printer.remark(blocks),
      withoutSuspension: suspensionGuard((text) => {
        live.clear();
        warn(text);
      }),
      warn,
      runCommand: (argv, variables) => runCli(argv, { ...io, variables: { ...io.variables, ...variables } }),
      write: (text) => printer.write(text),
      writeBytes: (bytes) => printer.write(bytes),
      openRows: (name, columns) => printer.openRows(name, columns),
    };
    outcome = await execution.run(context);
    if (outcome.error) failure = failureOf(outcome.error);
    await Promise.race([remark, pause(remarkMillis, undefined, { ref: false })]);
  } catch (error) {
    // What was given up because of a signal is no failure of its own.
    if (!(io.signal.aborted && isAbort(error))) failure = failureOf(error);
    if (failure?.kind === 'bug' && io.variables['CACHECTL_DEBUG'] && error instanceof Error)
      printer.warn(error.stack ?? '');
  } finally {
    progress.stop();
    await remember(open, command, io);
    for (const server of open) server.close();
  }
  const interruption = io.signal.aborted ? (io.signal.reason as Interruption) : undefined;
  if (interruption === 'EPIPE') return exitCodes.success;
  if (interruption === 'EWRITE') return exitCodes.negative;
  if (interruption !== undefined && outcome?.printed !== true)
    failure ??= interruptionOf(interruption, outcome !== undefined);
  if (outcome?.printed !== true) await printer.finish(execution, outcome, failure, ownLookups());
  if (failure) printer.fail(failureText(failure));
  if (interruption !== undefined) return interruptionOf(interruption, false).exitCode;
  return failure?.exitCode ?? outcome?.exitCode ?? exitCodes.success;
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

/** The screen needs its colours when it is opened, and no sooner. */
function screenOpener(io: Io, colorFlag: boolean, messages: Messages): OpenScreen {
  return async (listener) => {
    const { TerminalScreen } = await import('./screen.ts');
    messages.hold();
    return new TerminalScreen(io, colorFlag, listener, () => messages.release());
  };
}

const outputOnly = ({ color, output }: GlobalOptions): GlobalOptions => ({
  color,
  ...(output !== undefined && { output }),
});

async function resolve(
  io: Io,
  options: GlobalOptions,
  loaded: JudgedConfig | null,
): Promise<ResolvedSettings> {
  const { workingDirectory, stdout, signal } = io;
  const stdoutIsTerminal = stdout.isTTY === true;
  const surroundings = { workingDirectory, stdoutIsTerminal, signal };
  const resolved = await resolveSettings(options, io.variables, loaded, surroundings);
  if (options.askPassword !== true) return resolved;
  const prompts = terminalPrompts(io);
  if (!prompts.interactive) {
    throw new InputError('--ask-password needs a terminal', 'use REDISCLI_AUTH or --password-file FILE');
  }
  const password = await prompts.password(`Password for ${resolved.target.username ?? 'the default user'}`);
  return { ...resolved, target: { ...resolved.target, password } };
}

/** Loaded where something is about to be changed. */
async function findProtections(
  server: RedisServer,
  resolved: ResolvedSettings,
  loaded: JudgedConfig | null,
  io: Io,
  warn: (text: string) => void,
): Promise<Protections | null> {
  const { protectionsOf } = await import('./protections.ts');
  return protectionsOf(server, resolved, loaded, io, warn);
}

/** Keeps what the run has looked up; that it could not is nobody's failure, and `stats` and `check` say what they have. */
async function remember(open: readonly RedisServer[], command: string, io: Io): Promise<void> {
  const nodes = open.flatMap((server) => server.nodes);
  if (nodes.every(({ lookups }) => lookups.hits + lookups.misses + lookups.lost === 0)) return;
  const { ledgerFolder, rememberLookups } = await import('../health/lookups/ledger.ts');
  const terms = { command, folder: ledgerFolder(io.variables), processes: processFacts(), now: io.now };
  await rememberLookups(nodes, terms).catch(() => undefined);
}

/** How long a result may wait for a remark that is still on its way. */
const remarkMillis = 200;

/** Says that the rest of a cluster is not seen, while the command is at work already. Nobody's failure but its own. */
async function remarkOnCluster(
  server: RedisServer,
  countPrimaries: (node: RedisNode) => Promise<number | null>,
  warn: (text: string) => void,
): Promise<void> {
  if (server.cluster !== undefined) return;
  const primaries = await countPrimaries(server.nodes[0]).catch(() => null);
  if (primaries === null || primaries < 2) return;
  warn(`${server.address} is one node of a cluster of ${primaries} primaries: --cluster covers all of them`);
}

async function connectTo(
  target: ConnectTarget,
  open: RedisServer[],
  signal: AbortSignal,
): Promise<RedisServer> {
  // The client library is the heaviest thing the program loads; what needs no server never pays for it.
  const { connect } = await import('../redis/connect.ts');
  const server = await connect(target, signal);
  open.push(server);
  return server;
}
