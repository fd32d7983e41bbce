import type { StyledLine } from '../render/styled-line.ts';

/** `up`, `down`, `left`, `right`, `page-up`, `page-down`, `home`, `end`, `enter`, `escape`, `backspace`, `tab`, or the character itself. */
export type Key = string;

/** The screen that a frame is for. */
export interface FrameSize {
  readonly columns: number;
  readonly rows: number;
  /** False: ASCII only. */
  readonly unicode: boolean;
}

/** What happens at the terminal while a screen is open. */
export interface ScreenListener {
  key(key: Key): void;
  /** The size has changed, or what was drawn is lost: draw again. */
  changed(): void;
  /** The program is about to be stopped: closes what would not be read meanwhile. It has a few seconds. */
  suspending(): Promise<void>;
  /** The program continues. */
  resumed(): void;
}

/** The whole of a terminal, until it is closed. Ctrl-C and Ctrl-Z are not keys: they end and suspend the program. */
export interface LiveScreen extends FrameSize {
  /** Shows these lines from the top. Where the terminal has not taken the last ones yet, only the newest follow. */
  draw(lines: readonly StyledLine[]): void;
  /** Gives the terminal back as it was. @param last lines to leave on it */
  close(last?: readonly StyledLine[]): void;
}

/** Takes the terminal over. */
export type OpenScreen = (listener: ScreenListener) => Promise<LiveScreen>;
