import type { SandboxFault, SandboxResult } from './result.ts';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { fileFailureText, InputError } from '../../support/failure.ts';
import type { ByteString } from '../../support/bytes.ts';
import { connect } from '../../redis/connect.ts';
import { RedisError } from '../../redis/errors.ts';
import type { RedisNode, RedisServer } from '../../redis/server.ts';
import { type Block, type Fact, fact, note } from '../../render/blocks.ts';
import { counted } from '../../render/units.ts';
import { generateRecords, restoreSeed, seedServer } from '../../sandbox/seed.ts';
import { executableAt, findOnPath, type SandboxServer, startSandboxServer } from '../../sandbox/server.ts';
import {
  configFileOf,
  defaultTraffic,
  type FaultName,
  faultTraffic,
  type SystemName,
} from '../../sandbox/systems.ts';
import { warmUpTraffic } from '../../sandbox/traffic.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { accountOf, describeFault, expectation, faultNotes, startTraffic } from './fault-traffic.ts';
import { walkThrough } from './tour.ts';
import { blankOf } from '../blank.ts';

export interface SandboxInput {
  readonly system: SystemName;
  readonly keys: number;
  readonly seed: number;
  /** Operations per second; true: as many as are light. */
  readonly traffic?: number | true;
  readonly fault?: FaultName;
  readonly tour?: true;
  readonly words: readonly string[];
  /** Names of this program's own commands. */
  readonly ownCommands: readonly string[];
}

/** Operations per second; 0: none. */
function rateOf({ traffic, fault }: SandboxInput): number {
  if (typeof traffic === 'number') return traffic;
  if (fault !== undefined) return faultTraffic;
  return traffic === true ? defaultTraffic : 0;
}

/** Reads and writes of the past, so that the counters of the new server look like those of one in use. */
const historyOperations = 20_000;

/** Few keys have seen little. */
const historyPerKey = 10;

/** `sandbox` from its input to its result. */
export function sandboxExecution(input: SandboxInput): Execution<SandboxResult> {
  return {
    standalone: true,
    oneTable: true,
    blank: blankOf<SandboxResult>()('url config system keys seed product fault'),
    run: (context) => sandbox(context, input),
    view,
  };
}

async function sandbox(context: Context, input: SandboxInput): Promise<Outcome<SandboxResult>> {
  const rate = rateOf(input);
  if (input.tour && input.words.length > 0)
    throw new InputError('--tour and a command after -- exclude each other');
  requireProgram(context, input);
  const server = await startSandboxServer({
    variables: context.environment.variables,
    signal: context.signal,
  });
  let redis: RedisServer | undefined;
  const stopTraffic = new AbortController();
  const stop = AbortSignal.any([context.signal, stopTraffic.signal]);
  try {
    // Not through the context, which would remember reads of the application as those of this program.
    redis = await connect(server.target, context.signal);
    const [node] = redis.nodes;
    const result = await fill(context, input, server, node);
    const start = { ...input, rate, configFile: result.config, now: context.now, signal: stop };
    const traffic = rate > 0 ? startTraffic(node, start) : undefined;
    const variables = {
      ...{ CACHECTL_URL: server.url, REDIS_URL: server.url },
      ...{ CACHECTL_CONFIG: result.config, CACHECTL_PROFILE: '' },
    };
    const account = async () => {
      stopTraffic.abort();
      // Ctrl-C gives up a connection of the traffic that is not open yet: then there is none to account for.
      const totals = await traffic?.ended.catch((error: unknown) => {
        if (context.signal.aborted) return undefined;
        throw error;
      });
      if (totals !== undefined && result.fault !== null) await context.show(accountOf(totals, result.fault));
    };
    if (input.tour || input.words.length > 0) {
      if (result.fault !== null) await context.show(faultNotes(result.fault));
      await traffic?.steady;
      const exitCode = await (input.tour
        ? walkThrough(context, result, variables, () => trafficOfTour(context, input, node, result))
        : runOne(context, input, variables));
      await account().catch((error: unknown) => {
        if (!(error instanceof RedisError)) throw error;
        context.warn(`the traffic ended before its time: ${error.message}`);
      });
      return { result, exitCode, printed: true };
    }
    await context.publish(result);
    await Promise.race([server.ended, context.signal.aborted || once(context.signal, 'abort')]);
    await account();
    return { result, printed: true };
  } finally {
    stopTraffic.abort();
    redis?.close();
    await server.stop();
  }
}

/** A fault of its own, unless the sandbox has one. */
async function trafficOfTour(
  context: Context,
  input: SandboxInput,
  node: RedisNode,
  { config }: SandboxResult,
): Promise<() => Promise<void>> {
  if (rateOf(input) > 0) return () => Promise.resolve();
  const stop = new AbortController();
  const { ended, steady } = startTraffic(node, {
    ...{ ...input, rate: faultTraffic, fault: 'short-ttl', configFile: config, now: context.now },
    signal: AbortSignal.any([context.signal, stop.signal]),
  });
  await steady;
  return async () => {
    stop.abort();
    await ended;
  };
}

async function fill(
  context: Context,
  input: SandboxInput,
  server: SandboxServer,
  node: RedisNode,
): Promise<SandboxResult> {
  const { system, seed } = input;
  context.progress.start('filling the sandbox', 'keys', input.keys);
  const data = { keys: input.keys, seed, now: context.now() };
  const keys = await seedServer(node, generateRecords(system, data), context.progress, context.signal);
  const touched = new Set<ByteString>();
  await warmUpTraffic(node, system, seed, Math.min(historyOperations, input.keys * historyPerKey), {
    now: context.now,
    signal: context.signal,
    touched,
  });
  // The history is in the counters; its keys are more than were asked for, and some of those are gone.
  await restoreSeed(node, generateRecords(system, data), touched, context.signal);
  context.progress.stop();
  return {
    url: server.url,
    config: configFileOf(system, context.environment.packageRoot),
    system,
    keys,
    seed,
    product: server.product,
    fault: input.fault === undefined ? null : describeFault(system, input.fault),
  };
}

async function runOne(
  context: Context,
  input: SandboxInput,
  variables: Readonly<Record<string, string>>,
): Promise<ExitCode> {
  const own = ownCommandOf(input);
  return own === null ? runOther(context, input.words, variables) : context.runCommand(own, variables);
}

/** The words of a command of this program; null where they are those of another one. */
function ownCommandOf({ words, ownCommands }: SandboxInput): readonly string[] | null {
  const [first = '', ...rest] = words;
  if (first === 'cachectl') return rest;
  return ownCommands.includes(first) ? words : null;
}

/** Before a server is started and filled for it. @throws InputError where the program cannot be run */
function requireProgram({ environment }: Context, input: SandboxInput): void {
  const [program] = input.words;
  if (program === undefined || ownCommandOf(input) !== null) return;
  if (!program.includes('/')) {
    if (findOnPath(program, environment.variables) === undefined)
      throw notRun(program, 'there is no such program on PATH');
    return;
  }
  const path = resolve(environment.workingDirectory, program);
  if (executableAt(path) === undefined)
    throw notRun(program, existsSync(path) ? 'it is not executable' : 'there is no such program');
}

const notRun = (program: string, reason: string) => new InputError(`\`${program}\` cannot be run: ${reason}`);

/** Another program, with this one's streams. Its exit code becomes ours where it is one of the documented ones, else 1. */
function runOther(
  context: Context,
  [program = '', ...words]: readonly string[],
  variables: Readonly<Record<string, string>>,
): Promise<ExitCode> {
  return new Promise((done, reject) => {
    const child = spawn(program, words, {
      stdio: 'inherit',
      env: { ...context.environment.variables, ...variables },
    });
    child.on('error', (error) => reject(notRun(program, fileFailureText(error))));
    child.on('close', (code, signal) => {
      const number = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      done(Object.values(exitCodes).find((known) => known === number) ?? exitCodes.negative);
    });
  });
}

function view(result: SandboxResult): Block[] {
  return [
    {
      kind: 'facts',
      name: 'sandbox',
      title: `${counted(result.keys, 'key')} of \`${result.system}\` on a throw-away ${result.product}`,
      facts: [
        fact('url', 'url', result.url, 'text'),
        fact('config', 'map', result.config, 'text'),
        ...faultFacts(result.fault),
      ],
    },
    note('plain', 'to use it in another terminal:'),
    note('plain', `export CACHECTL_URL=${result.url}`),
    note('plain', `export CACHECTL_CONFIG=${result.config}`),
    note('plain', result.fault === null ? 'cachectl stats' : 'cachectl hits --for 5s'),
    note('dim', 'Ctrl-C ends it and removes everything'),
  ];
}

function faultFacts(fault: SandboxFault | null): Fact[] {
  if (fault === null) return [];
  return [
    fact('fault', 'fault', `${fault.name}: ${fault.story}`, 'text'),
    fact('expected', 'to be seen', expectation(fault), 'text'),
  ];
}
