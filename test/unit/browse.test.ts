import fc from 'fast-check';
import { expect, test } from 'vitest';
import { frameOf } from '../../src/commands/browse/frame.ts';
import { browse } from '../../src/commands/browse/run.ts';
import type { RemovalContext } from '../../src/commands/browse/removal.ts';
import { figureColumn, type Page, type Place } from '../../src/commands/browse/page.ts';
import { type BrowseState, press, startOf, withPage } from '../../src/commands/browse/state.ts';
import { note } from '../../src/render/blocks.ts';
import { renderStyledLine, type StyledLine } from '../../src/render/styled-line.ts';
import { silentProgress } from '../../src/support/progress.ts';
import { displayWidth } from '../../src/render/width.ts';
import { rounds } from '../server/effort.ts';

const textPage = (about: Place): Page => ({
  title: about.name,
  summary: '1 key',
  content: { kind: 'text', blocks: [note('plain', 'word '.repeat(200))], about, more: 'keys' },
});

function placeNamed(name: string, bytes: number | null = null): Place {
  const place: Place = {
    name,
    figures: { memoryBytes: { value: bytes } },
    open: () => textPage({ ...place, open: null }),
    removal: { name: `namespace ${name}`, stays: 'it is state' },
  };
  return place;
}

const listPage = (places: readonly Place[]): Page => ({
  title: 'all keys',
  summary: '3 keys',
  content: {
    ...{ kind: 'list', header: 'NAMESPACE', places, orders: ['memoryBytes', 'name'] },
    columns: [figureColumn('memoryBytes', 'BYTES', 9, 'bytes')],
  },
});

const size = { columns: 80, rows: 24, unicode: true };
const start = startOf('redis://cache.example:6379/0', placeNamed('all keys'), false);

/** What the keys make of the state, with what Enter asks for carried out. */
async function pressed(state: BrowseState, keys: readonly string[], frame = size): Promise<BrowseState> {
  let after = state;
  for (const key of keys) {
    after = press(after, key, frame);
    const { request } = after;
    after = { ...after, request: null };
    if (request?.kind === 'open' && request.place.open !== null)
      after = withPage(after, await request.place.open(new AbortController().signal, silentProgress));
  }
  return after;
}

const screenOf = (state: BrowseState, frame = size) =>
  frameOf(state, frame).map((line) =>
    renderStyledLine(line, { colorLevel: 0, unicode: frame.unicode, width: frame.columns }),
  );

test('the way back leads through the pages, with their selection as it was', async () => {
  const list = withPage(start, listPage([placeNamed('a', 1), placeNamed('b', 3), placeNamed('c', 2)]));
  expect(screenOf(list).join('\n')).toMatch(/^> b [^]*^ {2}c [^]*^ {2}a /m);
  const inside = await pressed(list, ['down', 'enter']);
  expect(screenOf(inside).join('\n')).toMatch(/^c {2}1 key$/m);
  for (const key of ['escape', 'backspace', 'left']) {
    expect(screenOf(await pressed(inside, [key])).join('\n')).toMatch(/^> c /m);
    expect((await pressed(inside, [key, key])).ended).toBe(null);
  }
});

test('Esc gives up what is being read, and q leaves also then', () => {
  expect(press(start, 'escape', size).request).toEqual({ kind: 'cancel' });
  expect(press(start, 'q', size).ended).toBe('quit');
  expect(press(start, 'j', size)).toEqual(start);
});

test.each([
  ['with what was found', [placeNamed('found')], /^> found /m],
  ['where nothing was found, with the page before', [], /^> all {9}[^]*^not read/m],
])('Esc ends a reading %s', async (_, found, shown) => {
  const slow: Place = {
    ...placeNamed('all'),
    open: (signal) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve(listPage(found)))),
  };
  const first: Place = { ...placeNamed('first'), open: () => listPage([slow]) };
  const pictures: string[] = [];
  let key: (name: string) => void = () => undefined;
  const ended = browse(
    { signal: new AbortController().signal } as RemovalContext,
    (listener) => {
      key = (name) => listener.key(name);
      const draw = (lines: readonly StyledLine[]) =>
        void pictures.push(
          lines.map((line) => renderStyledLine(line, { colorLevel: 0, unicode: true, width: 79 })).join('\n'),
        );
      return Promise.resolve({ ...size, draw, close: () => undefined });
    },
    'redis://cache.example:6379/0',
    first,
  );
  await expect.poll(() => pictures.at(-1)).toMatch(/^> all/m);
  key('enter');
  await expect.poll(() => pictures.at(-1)).toMatch(/^reading all/m);
  key('escape');
  await expect.poll(() => pictures.at(-1)).toMatch(shown);
  key('q');
  await ended;
});

test('no frame is larger than its screen, whatever is on it and pressed', async () => {
  const keys = fc.array(
    fc.constantFrom(
      ...['down', 'up', 'page-down', 'end', 'enter', 'escape', 's', 'n', 'd', '/', 'x', '?', 'backspace'],
    ),
    { maxLength: 12 },
  );
  const frame = fc.record({
    columns: fc.integer({ min: 1, max: 130 }),
    rows: fc.integer({ min: 1, max: 40 }),
    unicode: fc.boolean(),
  });
  const names = fc.uniqueArray(fc.string({ unit: 'binary', minLength: 1, maxLength: 90 }), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(names, keys, frame, async (given, typed, screen) => {
      const page = listPage(given.map((name, index) => placeNamed(name, index % 3 === 0 ? null : index)));
      const state = await pressed(withPage(start, page), typed, screen);
      const lines = screenOf(state, screen);
      expect(lines.length).toBeLessThanOrEqual(Math.max(1, screen.rows));
      for (const line of lines) {
        expect(displayWidth(line)).toBeLessThanOrEqual(screen.columns);
        expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
      }
    }),
    { numRuns: rounds(200) },
  );
});
