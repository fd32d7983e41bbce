import { resolve } from 'node:path';
import { currentTtls } from '../../curves/ttl-curve.ts';
import type { WindowRecord } from '../../curves/window-record.ts';
import type { WindowAccesses } from '../../traffic/observation.ts';
import type { Context } from '../context.ts';
import type { HitsResult } from '../hits/result.ts';
import { readRecording } from '../whatif/recording.ts';
import type { WhatifResult } from '../whatif/result.ts';
import { asWritten, type Observation, resultOf } from '../whatif/run.ts';
import { recordOf } from '../whatif/window.ts';

/** What a page has room for: those with most reads. */
const mostNamespaces = 60;

/** What a recording of `whatif --record` says. @throws InputError where it is none */
export async function readWhatif(context: Context, name: string): Promise<WhatifResult> {
  const path = resolve(context.environment.workingDirectory, name);
  return answer(context, await readRecording(path, context.signal), asWritten, name);
}

/** What the window of `hits` says besides. @throws RedisError */
export async function whatifOf(
  context: Context,
  { server, endedAt, windowSeconds, valid, invalidReasons, remarks }: HitsResult,
  accesses: WindowAccesses,
): Promise<WhatifResult> {
  const window = { at: endedAt, server: server.address, selection: '', windowSeconds };
  const observed = { valid, invalidReasons, remarks, notifications: [] };
  return answer(context, await recordOf(accesses, window), observed, null);
}

async function answer(
  context: Context,
  record: WindowRecord,
  observed: Observation,
  from: string | null,
): Promise<WhatifResult> {
  const result = await resultOf(context, { ttl: shownTtls(record), ...(from !== null && { from }) }, record);
  return { ...result, ...observed, namespaces: result.namespaces.slice(0, mostNamespaces) };
}

const [minute, hour, day] = [60, 3600, 86_400];

/** As people write them, in seconds, each some two times as long as the one before. */
const plainTtls = [
  ...[0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30],
  ...[1, 2, 5, 10, 20, 30].map((minutes) => minutes * minute),
  ...[1, 2, 4, 8, 12].map((hours) => hours * hour),
  ...[1, 2, 4, 7, 14, 30, 90, 180, 365].map((days) => days * day),
];

/** Places over a chart. */
const mostTtls = 9;

/** From what the window can tell to twice what keys have. */
function shownTtls({ nodes, namespaces, windowSeconds }: WindowRecord): number[] {
  const current = nodes
    .flatMap(({ trace }) => currentTtls(trace, namespaces.length))
    .filter((ttl) => ttl !== null);
  const from = Math.min(windowSeconds / 32, ...current.map((ttl) => ttl / 2));
  const to = Math.max(windowSeconds / 2, ...current.map((ttl) => ttl * 2));
  const within = plainTtls.filter((ttl, index) => ttl >= from && (plainTtls[index - 1] ?? 0) < to);
  const step = Math.ceil(within.length / mostTtls);
  return within.filter((_, index) => index % step === 0);
}
