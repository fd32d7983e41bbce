import { writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Key, LiveScreen, ScreenListener } from '../commands/screen.ts';
import { renderStyledLine, type StyledLine } from '../render/styled-line.ts';
import type { TerminalStyle } from '../render/width.ts';
import type { Io } from './io.ts';
import { styleOf } from './terminal.ts';

/** The parts of a terminal's streams that a file or a pipe does not have. */
interface TerminalStreams {
  readonly stdin: Io['stdin'] & { setRawMode?(raw: boolean): unknown };
  readonly stdout: Io['stdout'] & {
    readonly rows?: number;
    readonly fd?: number;
    on(event: 'resize' | 'drain', listener: () => void): unknown;
    off(event: 'resize' | 'drain', listener: () => void): unknown;
  };
}

/** The other screen, without cursor; a line that is too long is cut off by the terminal and never scrolls it. */
const enterSequence = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J';
const leaveSequence = '\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l';

/** What follows an escape within this time belongs to it. */
const escapeMillis = 60;

/** How long a server that hangs may delay a suspension. */
const suspendingMillis = 5000;

/** Time for the system to close connections, which it does not for a process that is stopped. */
const farewellMillis = 50;

/** A process that cannot be suspended, for no shell could continue it, resumes after this. */
const suspendMillis = 100;

/**
 * The terminal of the process. It is given back as it was on `close`, on an interruption, on SIGQUIT, on an uncaught
 * exception, and at the latest when the process ends; but not after kill -9.
 */
export class TerminalScreen implements LiveScreen {
  private readonly streams: TerminalStreams;
  private readonly typing: boolean;
  private state: 'open' | 'suspending' | 'suspended' | 'closed' = 'closed';
  private shown: string[] = [];
  private wanted: readonly StyledLine[] = [];
  private full = false;
  private repaint = true;
  private typed = '';
  private escapeTimer: NodeJS.Timeout | undefined;
  private readonly undo: (() => void)[] = [];

  constructor(
    private readonly io: Io,
    private readonly colorFlag: boolean,
    private readonly listener: ScreenListener,
    private readonly onClosed: () => void,
  ) {
    this.streams = io as unknown as TerminalStreams;
    this.typing = io.stdin.isTTY === true && this.streams.stdin.setRawMode !== undefined;
    this.listen();
    this.enter();
  }

  get columns(): number {
    return this.io.stdout.columns || 80;
  }

  get rows(): number {
    return this.streams.stdout.rows || 24;
  }

  get unicode(): boolean {
    return styleOf(this.io, this.colorFlag).unicode;
  }

  /** The last column stays free: what a terminal does after a character there differs. */
  private get style(): TerminalStyle {
    return { ...styleOf(this.io, this.colorFlag), width: this.columns - 1 };
  }

  draw(lines: readonly StyledLine[]): void {
    this.wanted = lines;
    if (this.state !== 'open' || this.full) return;
    const text = this.changesTo(lines);
    // One write for a frame: the terminal never shows half of one.
    if (text !== '') this.full = !this.io.stdout.write(text);
  }

  close(last: readonly StyledLine[] = []): void {
    if (this.state === 'closed') return;
    const isGivenBack = this.state !== 'open';
    this.state = 'closed';
    clearTimeout(this.escapeTimer);
    for (const undo of this.undo.splice(0)) undo();
    if (!isGivenBack) this.giveBack((text) => this.io.stdout.write(text));
    if (this.typing) this.streams.stdin.pause();
    for (const line of last) this.io.stdout.write(`${renderStyledLine(line, this.style)}\n`);
    this.onClosed();
  }

  private changesTo(lines: readonly StyledLine[]): string {
    const { style } = this;
    const frame = Array.from({ length: this.rows }, (_, row) => {
      const line = lines[row];
      return line === undefined ? '' : renderStyledLine(line, style);
    });
    let text = '';
    if (this.repaint) {
      text = '\x1b[0m\x1b[2J';
      this.shown = [];
      this.repaint = false;
    }
    for (const [row, line] of frame.entries())
      if (line !== (this.shown[row] ?? '')) text += `\x1b[${row + 1};1H${line}\x1b[K`;
    this.shown = frame;
    return text;
  }

  private enter(): void {
    if (this.typing) {
      this.streams.stdin.setRawMode?.(true);
      this.streams.stdin.resume();
    }
    this.state = 'open';
    this.repaint = true;
    this.full = !this.io.stdout.write(enterSequence);
  }

  private giveBack(write: (text: string) => unknown): void {
    write(leaveSequence);
    if (!this.typing) return;
    try {
      this.streams.stdin.setRawMode?.(false);
    } catch {
      // The terminal itself is gone.
    }
  }

  /** The last resort: what is written now is written before the process is gone. */
  private giveBackAtOnce(): void {
    if (this.state !== 'open') return;
    this.state = 'closed';
    try {
      this.giveBack((text) => writeSync(this.streams.stdout.fd ?? 1, text));
    } catch {
      // The terminal itself is gone.
    }
  }

  private async suspend(): Promise<void> {
    if (this.state !== 'open') return;
    this.state = 'suspending';
    this.giveBack((text) => this.io.stdout.write(text));
    await Promise.race([
      this.listener.suspending().catch(() => undefined),
      pause(suspendingMillis, undefined, { ref: false }),
    ]);
    await pause(farewellMillis);
    if (this.isClosed()) return;
    this.state = 'suspended';
    process.off('SIGTSTP', this.onSuspend);
    // With the whole group, as the terminal would have done it: the shell waits for the first of them.
    process.kill(0, 'SIGTSTP');
    const timer = setTimeout(() => this.resume(), suspendMillis);
    this.undo.push(() => clearTimeout(timer));
  }

  private resume(): void {
    if (this.state === 'closed' || this.state === 'suspending') return;
    if (this.state === 'suspended') {
      process.on('SIGTSTP', this.onSuspend);
      this.enter();
      this.listener.resumed();
    }
    this.redraw();
  }

  /** Asked after a wait, in which everything may have happened. */
  private isClosed(): boolean {
    return this.state === 'closed';
  }

  private readonly onSuspend = () => void this.suspend();

  private redraw(): void {
    this.repaint = true;
    this.listener.changed();
  }

  private listen(): void {
    const { stdin, stdout } = this.streams;
    const { signal } = this.io;
    const onResize = () => this.redraw();
    const onDrain = () => {
      this.full = false;
      this.draw(this.wanted);
    };
    const onKeys = (chunk: Buffer | string) => this.receive(String(chunk));
    const onAbort = () => this.close();
    const onContinue = () => this.resume();
    const onExit = () => this.giveBackAtOnce();
    // The program ends by the signal all the same.
    const onQuit = (name: NodeJS.Signals) => {
      this.giveBackAtOnce();
      process.off(name, onQuit).kill(process.pid, name);
    };
    stdout.on('resize', onResize);
    stdout.on('drain', onDrain);
    signal.addEventListener('abort', onAbort);
    process.on('exit', onExit).on('uncaughtExceptionMonitor', onExit);
    process.on('SIGQUIT', onQuit).on('SIGTSTP', this.onSuspend).on('SIGCONT', onContinue);
    if (this.typing) stdin.on('data', onKeys);
    this.undo.push(
      () => stdout.off('resize', onResize),
      () => stdout.off('drain', onDrain),
      () => signal.removeEventListener('abort', onAbort),
      () => process.off('exit', onExit).off('uncaughtExceptionMonitor', onExit),
      () => process.off('SIGQUIT', onQuit).off('SIGTSTP', this.onSuspend).off('SIGCONT', onContinue),
      () => stdin.off('data', onKeys),
    );
  }

  private receive(chunk: string): void {
    clearTimeout(this.escapeTimer);
    const { keys, rest } = parseKeys(this.typed + chunk);
    this.typed = rest;
    for (const key of keys) this.press(key);
    if (rest === '') return;
    this.escapeTimer = setTimeout(() => {
      this.typed = '';
      this.press('escape');
    }, escapeMillis);
  }

  private press(key: string): void {
    if (this.state !== 'open') return;
    // In raw mode the terminal turns these into no signals.
    if (key === 'ctrl-c') process.kill(process.pid, 'SIGINT');
    else if (key === 'ctrl-z') void this.suspend();
    else if (key === 'ctrl-l') this.redraw();
    else this.listener.key(key);
  }
}

/** How terminals send the keys that are no characters, behind an escape and `[` or `O`. */
const sequences: Readonly<Record<string, Key>> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  H: 'home',
  F: 'end',
  '5~': 'page-up',
  '6~': 'page-down',
  '1~': 'home',
  '4~': 'end',
  '7~': 'home',
  '8~': 'end',
};
const characters: Readonly<Record<string, Key>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\x7f': 'backspace',
  '\b': 'backspace',
  '\x03': 'ctrl-c',
  '\x0c': 'ctrl-l',
  '\x1a': 'ctrl-z',
};

/**
 * What was typed. A sequence that is not complete yet stays in `rest`: over a slow line its parts arrive one by one. A
 * `rest` that nothing follows is the escape key.
 */
export function parseKeys(text: string): { readonly keys: readonly Key[]; readonly rest: string } {
  const keys: Key[] = [];
  let rest = text;
  while (rest !== '') {
    if (rest.startsWith('\x1b')) {
      if (/^\x1b(?:[[O][\d;]*)?$/.test(rest)) break;
      const [sequence, code] = /^\x1b[[O]([\d;]*[^\d;])/.exec(rest) ?? [];
      if (sequence === undefined || code === undefined) {
        keys.push('escape');
        rest = rest.slice(1);
        continue;
      }
      // What is not known is left out whole: its letters are no keys that were pressed.
      const key = sequences[code];
      if (key !== undefined) keys.push(key);
      rest = rest.slice(sequence.length);
      continue;
    }
    const [character = ''] = rest;
    const key = characters[character] ?? (character < ' ' ? undefined : character);
    if (key !== undefined) keys.push(key);
    rest = rest.slice(character.length);
  }
  return { keys, rest };
}
