import type { Key } from '../commands/screen.ts';

/** How terminals send the keys that are no characters, behind an escape and `[` or `O`. */
const sequences: Readonly<Record<string, Key>> = {
  A: 'up',
  B: 'down',
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
