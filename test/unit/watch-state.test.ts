import { describe, expect, test } from 'vitest';
import {
  press,
  historyLength,
  initialState,
  lastAnswer,
  shownNamespaces,
  withInterval,
  type WatchState,
} from '../../src/commands/watch/state.ts';
import { interval, lost, namespace } from './watch-figures.ts';

const start = (withTraffic = false) =>
  initialState({ address: 'redis://127.0.0.1:6379/0', withTraffic, intervalSeconds: 1 });

const threeNamespaces = interval({
  namespaces: [
    namespace('sessions', { memoryBytes: 300, readsPerSecond: 5, missesPerSecond: 1, hitRate: 0.8 }),
    namespace('profiles', { memoryBytes: 100, readsPerSecond: 90, missesPerSecond: 30, hitRate: 0.66 }),
    namespace('speech', { memoryBytes: 200, readsPerSecond: null, missesPerSecond: null, hitRate: null }),
  ],
});

const pressAll = (state: WatchState, ...keys: readonly string[]) => keys.reduce(press, state);
const namesOf = (state: WatchState) => shownNamespaces(state).map((row) => row.namespace);

describe('the keys', () => {
  const state = withInterval(start(true), threeNamespaces, null);

  test.each([
    ['b', ['sessions', 'speech', 'profiles']],
    ['r', ['profiles', 'sessions', 'speech']],
    ['m', ['profiles', 'sessions', 'speech']],
    ['h', ['profiles', 'sessions', 'speech']],
    ['n', ['profiles', 'sessions', 'speech']],
  ])('%s sorts, the worst on top and the unknown last', (key, expected) => {
    expect(namesOf(press(state, key))).toEqual(expected);
  });

  test('most misses are on top with live traffic, most bytes without', () => {
    expect(namesOf(state)[0]).toBe('profiles');
    expect(namesOf(withInterval(start(), threeNamespaces, null))[0]).toBe('sessions');
  });

  test('sorting by what is not observed says what it needs, and changes nothing', () => {
    const asked = press(withInterval(start(), threeNamespaces, null), 'm');
    expect(asked.order).toBe('bytes');
    expect(asked.notice).toContain('--hits');
    expect(press(asked, 'n').notice).toBeNull();
  });

  test('+ and - go through the steps, and stop at the ends', () => {
    expect(press(start(), '+').intervalSeconds).toBe(2);
    expect(press(start(), '-').intervalSeconds).toBe(0.5);
    expect(pressAll(start(), '-', '-', '-', '-').intervalSeconds).toBe(0.2);
    expect(pressAll(start(), ...Array<string>(12).fill('+')).intervalSeconds).toBe(300);
    expect(press({ ...start(), intervalSeconds: 1.5 }, '-').intervalSeconds).toBe(1);
  });

  test('/ shows the namespaces that contain what is typed, in letters of either case', () => {
    const typing = pressAll(state, '/', 'S', 'p', 'q', 'backspace');
    expect(typing).toMatchObject({ filter: 'Sp', isTypingFilter: true, ended: false });
    expect(namesOf(typing)).toEqual(['speech']);
    const kept = press(typing, 'enter');
    expect(namesOf(kept)).toEqual(['speech']);
    expect(press(kept, 'q').ended).toBe(true);
    // Of a namespace that is looked into Esc leads back first.
    const back = pressAll(kept, 'enter', 'escape');
    expect(back).toMatchObject({ drilled: null, filter: 'Sp' });
    expect(namesOf(press(back, 'escape'))).toHaveLength(3);
    expect(namesOf(press(typing, 'escape'))).toHaveLength(3);
    expect(pressAll(state, '/', '\x01', '\x9b').filter).toBe('');
  });

  test('Enter looks into a namespace, then asks for its keys; d asks for their removal from both', () => {
    const into = press(state, 'enter');
    expect(into).toMatchObject({ drilled: 'profiles', request: null });
    expect(press(into, 'enter').request).toEqual({ kind: 'keys', namespace: 'profiles' });
    expect(press(into, 'd').request).toEqual({ kind: 'remove', namespace: 'profiles' });
    expect(pressAll(state, 'down', 'd').request).toEqual({ kind: 'remove', namespace: 'sessions' });
    // Its row may be gone by then: the next one is not what is looked at.
    const gone = withInterval(into, interval({ namespaces: [namespace('speech')] }), null);
    expect(press(gone, 'd').request).toEqual({ kind: 'remove', namespace: 'profiles' });
    expect(press(start(), 'd')).toMatchObject({ request: null, notice: 'no namespace is known yet' });
    expect(pressAll(state, '/', 'd')).toMatchObject({ filter: 'd', request: null });
  });

  test('arrows choose a namespace, which stays chosen when the order of the rows changes', () => {
    const chosen = press(state, 'down');
    expect(chosen.selected).toBe('sessions');
    const grown = interval({
      namespaces: [
        namespace('profiles', { missesPerSecond: 1 }),
        namespace('sessions', { missesPerSecond: 99 }),
      ],
    });
    expect(withInterval(chosen, grown, null).selected).toBe('sessions');
    expect(pressAll(state, 'up').selected).toBe('profiles');
    expect(pressAll(state, 'end').selected).toBe('speech');
    expect(pressAll(state, 'page-down', 'home').selected).toBe('profiles');
  });

  test('Enter looks into a namespace, the arrows go to the next one, Esc leads back', () => {
    const inside = press(state, 'enter');
    expect(inside.drilled).toBe('profiles');
    expect(press(inside, 'down')).toMatchObject({ drilled: 'sessions', selected: 'sessions' });
    expect(press(inside, 'escape').drilled).toBeNull();
    expect(press(start(), 'enter')).toMatchObject({ drilled: null, notice: 'no namespace is known yet' });
  });

  test('a pause keeps the picture while the history goes on behind it', () => {
    const paused = press(state, 'p');
    const later = withInterval(paused, interval({ hits: 1 }), null);
    expect(lastAnswer(later)?.hits).toBe(930);
    expect(lastAnswer(press(later, ' '))?.hits).toBe(1);
    expect(later.data.history).toHaveLength(2);
  });

  test('? shows the keys until any other is pressed, which does nothing else; q quits from there, too', () => {
    const help = press(state, '?');
    expect(help.showsHelp).toBe(true);
    expect(press(help, 'n')).toMatchObject({ showsHelp: false, order: 'misses' });
    expect(press(help, 'q').ended).toBe(true);
    expect(press(state, 'q').ended).toBe(true);
  });

  test('keys that mean nothing change nothing', () => {
    expect(press(state, 'x')).toBe(state);
  });
});

describe('the history', () => {
  test('is bounded', () => {
    let state = start();
    for (let count = 0; count < historyLength + 50; count++)
      state = withInterval(state, interval({ hits: count }), null);
    expect(state.data.history).toHaveLength(historyLength);
    expect(lastAnswer(state)?.hits).toBe(historyLength + 49);
  });

  test('keeps the last answer and its namespaces while the server is away', () => {
    const state = withInterval(withInterval(start(), threeNamespaces, null), lost('gone'), null);
    expect(lastAnswer(state)).toBe(threeNamespaces);
    expect(namesOf(state)).toHaveLength(3);
  });
});
