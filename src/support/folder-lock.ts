import { closeSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileFailureText } from './failure.ts';
import { makeStateFolder } from './files.ts';
import { type Holder, holderOf, isRunning, parseHolder, type ProcessFacts } from './processes.ts';

/** The folder cannot be used: another process works in it, or the system does not permit it. The server was not asked. */
export class FolderError extends Error {
  override readonly name = 'FolderError';

  constructor(
    /** For the start of a sentence. */
    message: string,
    readonly reason: 'locked' | 'unusable',
  ) {
    super(message);
  }
}

const pollMillis = 20;

/** No one keeps the lock for so long: the work under it is a few commands, each with a time limit. */
const abandonedMillis = 120_000;

/** A lock is written microseconds after its file is made, and broken as fast. */
const unfinishedMillis = 500;

/**
 * Does the work while no other process does any on the notes of the folder, which is made where it is missing.
 * @throws FolderError
 */
export async function withFolderLock<T>(
  folder: string,
  facts: ProcessFacts,
  patienceMillis: number,
  work: () => Promise<T>,
): Promise<T> {
  const path = join(folder, 'lock');
  const until = performance.now() + patienceMillis;
  while (!takeIn(folder, path, facts)) {
    if (performance.now() > until) throw lockedError(path);
    await pause(pollMillis);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** @throws FolderError */
function takeIn(folder: string, path: string, facts: ProcessFacts): boolean {
  try {
    makeStateFolder(folder);
    if (take(path, facts)) return true;
    if (isStale(path, facts)) breakLock(path, facts);
    return false;
  } catch (error) {
    throw new FolderError(`\`${folder}\` cannot be written: ${fileFailureText(error)}`, 'unusable');
  }
}

function lockedError(path: string): FolderError {
  const holder = readHolder(path);
  const who = holder === null ? 'another process' : `process ${holder.pid} on ${holder.hostname}`;
  return new FolderError(`\`${path}\` is held by ${who}`, 'locked');
}

function take(path: string, facts: ProcessFacts): boolean {
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  try {
    writeFileSync(file, JSON.stringify(holderOf(facts)));
  } finally {
    closeSync(file);
  }
  return true;
}

/**
 * Of several processes that find a stale lock one removes it, and looks again before it does: else it might remove the
 * lock that another has just taken.
 */
function breakLock(path: string, facts: ProcessFacts): void {
  const breaking = `${path}.breaking`;
  if (!take(breaking, facts)) {
    if (ageMillis(breaking) > unfinishedMillis) rmSync(breaking, { force: true });
    return;
  }
  try {
    if (isStale(path, facts)) rmSync(path, { force: true });
  } finally {
    rmSync(breaking, { force: true });
  }
}

function isStale(path: string, facts: ProcessFacts): boolean {
  const age = ageMillis(path);
  const holder = readHolder(path);
  if (holder === null) return age > unfinishedMillis;
  return !isRunning(holder, facts) || age > abandonedMillis;
}

/** 0 where the file is gone. */
function ageMillis(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? 0 : Date.now() - found.mtimeMs;
}

function readHolder(path: string): Holder | null {
  try {
    return parseHolder(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return null;
  }
}
