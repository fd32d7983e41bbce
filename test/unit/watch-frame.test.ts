import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { frameOf } from '../../src/commands/watch/frame.ts';
import type { FrameSize } from '../../src/commands/screen.ts';
import { press, initialState, withInterval, type WatchState } from '../../src/commands/watch/state.ts';
import { renderStyledLine } from '../../src/render/styled-line.ts';
import { displayWidth } from '../../src/render/width.ts';
import type { TrafficReport } from '../../src/traffic/report.ts';
import type { WatchInterval } from '../../src/watch/interval.ts';
import { interval, lost, namespace } from './watch-figures.ts';
import { rounds } from '../server/effort.ts';

const start = (withTraffic = false) =>
  initialState({ address: 'redis://cache.example:6379/0', withTraffic, intervalSeconds: 1 });
const size = (columns: number, rows: number, unicode = true): FrameSize => ({ columns, rows, unicode });
const after = (intervals: readonly WatchInterval[], withTraffic = false) =>
  intervals.reduce((state, each) => withInterval(state, each, null), start(withTraffic));

/** The text on the screen. */
function screenOf(state: WatchState, frame: FrameSize): string[] {
  const style = { colorLevel: 0, unicode: frame.unicode, width: frame.columns } as const;
  return frameOf(state, frame).map((line) => renderStyledLine(line, style));
}

const many = Array.from({ length: 40 }, (_, index) =>
  namespace(`app:area-${index}:<id>:with-a-long-name-that-has-to-be-cut`, {
    memoryBytes: 1e6 - index,
    keys: 1e6,
  }),
);
const misses = {
  expired: 81,
  evicted: 0,
  invalidated: 0,
  renamed: 0,
  neverCached: 19,
  goneOrNew: 0,
  unknown: 0,
};
const observed = interval({
  trafficMode: 'exact',
  namespaces: [
    namespace('profiles', {
      readsPerSecond: 1200,
      missesPerSecond: 100,
      hitRate: 0.9166,
      hitRateTarget: 0.95,
      targetMet: false,
      misses: 100,
      causes: misses,
      topCause: 'expired',
    }),
    namespace('sessions', { readsPerSecond: 10, missesPerSecond: 1, hitRate: 0.9, kind: 'state' }),
  ],
});

describe('the frame of 80 by 24', () => {
  const screen = screenOf(after([interval({ namespaces: many })]), size(80, 24));

  test('has every important figure', () => {
    expect(screen).toHaveLength(24);
    const text = screen.join('\n');
    expect(text).toMatch(/^cachectl redis:\/\/cache\.example:6379\/0 +every 1 s {2}12:00:01Z$/m);
    expect(text).toMatch(/^hit rate +93\.0 % .*█ {2}930\/s hit, 70\/s miss$/m);
    expect(text).toMatch(/^operations +1,204\/s /m);
    expect(text).toMatch(/^memory +1\.5 GB .* 75\.0 % of 2\.0 GB$/m);
    expect(text).toMatch(/^evictions +0\/s .* none$/m);
    expect(text).toMatch(/^latency p99 +900 µs .* p50 120 µs, from here$/m);
    expect(text).toMatch(/24 clients {2}cpu 12\.0 %/);
    expect(text).toMatch(/watch sent 49 commands in 1 s; sizes of namespaces read 10 s ago/);
    expect(text).toContain('q quit  ? help');
  });

  test('tells how many namespaces there are', () => {
    expect(screen.join('\n')).toMatch(/^ {2}NAMESPACE \(40\) /m);
  });

  test.each([
    [80, 'watch sent 49 commands in 1 s; hits: exact; sizes of namespaces read 10 s ago'],
    [60, 'watch sent 49 commands in 1 s; hits: exact'],
    [42, 'watch sent 49 commands in 1 s'],
  ])('at %d columns leaves the last parts of the cost out where they do not fit', (columns, words) => {
    expect(screenOf(after([observed], true), size(columns, 24)).map((line) => line.trimEnd())).toContain(
      words,
    );
  });

  test('lists the largest namespaces, cut in the middle', () => {
    const rows = screen.filter((line) => line.includes('app:area'));
    expect(rows.length).toBeGreaterThanOrEqual(9);
    expect(rows[0]).toMatch(/^> app:area-0:<id>.*….*cut +1\.0 MB +1,000,000/);
    expect(rows[1]).toMatch(/^ {2}app:area-1:/);
  });
});

test('what is an estimate has a mark before it, in the table and in the panes of one namespace', () => {
  const estimated = namespace('profiles', {
    ...{
      keys: 5_001_234,
      keysInterval: [4_900_000, 5_100_000],
      memoryBytes: 1.2e8,
      memoryBytesInterval: [1.1e8, 1.3e8],
    },
    ...{ memoryShare: 0.0001, memoryShareInterval: [0, 0.0002] },
    ...{ hitRate: 0.8, hitRateInterval: [0.7, 0.9], hitRateTarget: 0.95, targetMet: false },
    ...{ readsPerSecond: 12_345, readsPerSecondInterval: [11_000, 13_000], missesPerSecond: 100 },
  });
  const shown = interval({ namespaces: [estimated], namespacesExact: false, trafficMode: 'sampled' });
  const state = after([shown], true);
  const wide = screenOf(state, size(140, 40)).join('\n');
  expect(wide).toMatch(/100\/s +LOW ~80\.0% +~12,345\/s .* ~120\.0 MB .*~5,001,234 +~<0\.1 %/);
  expect(wide).toContain('sizes estimated (~) from a sample 10 s ago');
  const drilled = screenOf(press(state, 'enter'), size(100, 30)).join('\n');
  expect(drilled).toMatch(/^hit rate +~80\.0 %/m);
  expect(drilled).toMatch(/^reads +~12,345\/s/m);
  expect(drilled).toMatch(/^misses +100\/s/m);
  expect(drilled).toMatch(/^bytes +~120\.0 MB .*~<0\.1 % of all namespaces/m);
  expect(drilled).toMatch(/^keys +~5,001,234/m);
  expect(screenOf(after([interval({ namespaces: many })]), size(140, 40)).join('\n')).not.toContain('~');
});

test('more rows and columns are used where there are more', () => {
  const state = after([interval({ namespaces: many })]);
  const [small, large] = [screenOf(state, size(80, 24)), screenOf(state, size(120, 40))];
  const rowsOf = (screen: readonly string[]) => screen.filter((line) => line.includes('app:area'));
  expect(rowsOf(large).length).toBeGreaterThan(rowsOf(small).length + 5);
  expect(large.join('\n')).toContain('KIND');
  expect(large.join('\n')).toMatch(/^cpu +12\.0 %/m);
  expect(small.join('\n')).not.toMatch(/^cpu +12\.0 %/m);
});

test('a terminal that is too small says so in its one line, and recovers', () => {
  const state = after([interval()]);
  expect(screenOf(state, size(30, 8))).toEqual(['too small: 30x8, 40x10 needed;']);
  expect(screenOf(state, size(39, 24))).toHaveLength(1);
  expect(screenOf(state, size(40, 10)).join('\n')).toMatch(/^hit rate +93\.0 %/m);
});

describe('hits by namespace', () => {
  const screen = screenOf(after([observed], true), size(80, 24));

  test('have columns, and the most misses on top', () => {
    const head = screen.findIndex((line) => line.includes('NAMESPACE'));
    expect(screen[head]).toMatch(/MISSES▼ +HIT RATE +READS +MOST MISSES +BYTES/);
    expect(screen[head + 1]).toMatch(/^> profiles +100\/s +LOW 91\.7% +1,200\/s +expired /);
    expect(screen[head + 2]).toMatch(/^ {2}sessions +1\.0\/s +90\.0 % +10\/s +- /);
  });

  test('mark a missed target with a word and with a color', () => {
    const lines = frameOf(after([observed], true), size(80, 24));
    const low = lines.flatMap(({ spans }) => spans).find(({ text }) => text.includes('LOW'));
    expect(low?.tone).toBe('bad');
  });

  test('say how many namespaces have no room, and where they are', () => {
    const twelve = Array.from({ length: 12 }, (_, index) => namespace(`area-${10 + index}`));
    const state = after([interval({ namespaces: twelve })], true);
    const shownOf = (each: WatchState) => {
      const lines = screenOf(each, size(80, 24));
      return [lines.filter((line) => line.includes('area-')).length, lines.join('\n')] as const;
    };
    const down = Array.from({ length: 10 }, () => 'down').reduce(press, state);

    const [rows, text] = shownOf(state);
    expect(text).toContain(`\n  ${12 - rows} below: the arrows go there`);
    expect(shownOf(down)[1]).toMatch(/\n {2}1 above, 1 below: the arrows go there/);
    expect(shownOf(press(state, 'end'))[1]).toContain(`\n  ${12 - rows} above: the arrows go there`);
    expect(screenOf(state, size(80, 40)).join('\n')).not.toMatch(/above|below/);
  });

  test('are looked into: figures, causes, and the keys missed most', () => {
    const traffic = {
      mostMissed: [
        {
          key: 'user:1\x1b[2J',
          keyBase64: null,
          database: 0,
          namespace: 'profiles',
          misses: 70,
          missesAtLeast: 70,
          cause: 'expired',
        },
        {
          key: 'other',
          keyBase64: null,
          database: 0,
          namespace: 'sessions',
          misses: 9,
          missesAtLeast: 9,
          cause: 'unknown',
        },
      ],
    } as unknown as TrafficReport;
    const state = press(withInterval(start(true), observed, traffic), 'enter');
    const text = screenOf(state, size(80, 24)).join('\n');
    expect(text).toMatch(/^profiles +cache$/m);
    expect(text).toMatch(/^hit rate +91\.7 % .*LOW: target 95\.0 %$/m);
    expect(text).toMatch(/^misses +100\/s/m);
    expect(text).toMatch(/Causes of 100 misses\n {2}expired +81 +81\.0 %\n {2}not stored +19 +19\.0 %/);
    expect(text).toMatch(/70 {2}user:1\\x1b\[2J +expired/);
    expect(text).not.toContain('other');
  });
});

describe('what is wrong', () => {
  test('a lost connection is said in words, and old figures are not shown as new', () => {
    const state = after([interval({ namespaces: many }), lost('nothing listens at cache.example:6379')]);
    const text = screenOf(state, size(80, 24)).join('\n');
    expect(text).toContain('RECONNECTING');
    expect(text).toContain('reconnecting … nothing listens at cache.example:6379');
    expect(text).toMatch(/^hit rate +- /m);
    expect(text).toMatch(/^> app:area-0\S+ +- +- +- +cache/m);
    expect(text).toMatch(/^latency p99 +- .* -$/m);
    expect(text).toMatch(/^- keys {2}- clients {2}cpu - {2}in -, out -$/m);
    expect(text).not.toMatch(/miss|no limit|75\.0 %|p50|watch sent/);
  });

  test('a lost connection leaves no figures of one namespace either', () => {
    const state = press(after([observed, lost('nothing listens at cache.example:6379')], true), 'enter');
    const text = screenOf(state, size(80, 24)).join('\n');
    expect(text).toMatch(/^profiles +cache$/m);
    expect(text).toMatch(/^misses +- /m);
    expect(text).not.toMatch(/Causes|LOW/);
  });

  test.each([
    ['restart', 'the server was started anew'],
    ['statistics', "the server's statistics were reset"],
    ['other', 'another server answers now'],
  ] as const)('a reset (%s) is told', (reset, words) => {
    expect(screenOf(after([interval({ reset })]), size(80, 24)).join('\n')).toContain(words);
  });

  test('figures of traffic that are not reliable say why', () => {
    const state = after([interval({ trafficInvalid: ['events were lost'] })], true);
    expect(screenOf(state, size(80, 24)).join('\n')).toContain('not reliable: events were lost');
  });

  test('a server that does not permit live traffic leaves the columns empty, and says why', () => {
    const refused = interval({ trafficMode: 'counters', trafficModeReason: 'ann may not run `CONFIG|SET`' });
    expect(screenOf(after([refused], true), size(80, 24)).join('\n')).toContain(
      'no hits and misses by namespace: ann may not run `CONFIG|SET`',
    );
  });

  test('an answer that is late is told, and evictions are marked', () => {
    const late = { ...after([interval({ evictedKeys: 5 })]), lateSeconds: 4.2 };
    const text = screenOf(late, size(80, 24)).join('\n');
    expect(text).toContain('no answer for 4 s');
    expect(text).toContain('keys are being evicted');
  });

  test('a pause is told', () => {
    expect(screenOf(press(after([interval()]), 'p'), size(80, 24))[0]).toContain('PAUSED');
  });
});

test('before the first interval the screen says that it is being measured', () => {
  const text = screenOf(start(), size(80, 24)).join('\n');
  expect(text).toContain('the first interval is being measured …');
  expect(text).toContain('the namespaces are being read …');
});

test('a terminal without Unicode gets nothing but ASCII', () => {
  const state = after([interval({ namespaces: [...many, namespace('klíč:漢字')] }), lost('…')]);
  for (const frame of [size(80, 24, false), size(120, 60, false)])
    expect(screenOf(state, frame).join('\n')).toMatch(/^[\x20-\x7e\n]*$/);
});

test('no frame is larger than its screen, whatever is on it', () => {
  const rate = fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: null });
  const count = fc.option(fc.nat(), { nil: null });
  const row = fc.record({ name: fc.string({ unit: 'grapheme' }), bytes: count, hitRate: rate });
  fc.assert(
    fc.property(
      fc.record({
        columns: fc.integer({ min: 1, max: 200 }),
        rows: fc.integer({ min: 1, max: 70 }),
        unicode: fc.boolean(),
      }),
      fc.array(row, { maxLength: 30 }),
      fc.array(fc.constantFrom('enter', 'down', '?', 'p', 'r', 'n', '+', 'end', 'escape'), { maxLength: 6 }),
      fc.boolean(),
      rate,
      (frame, rows, keys, withTraffic, hitRate) => {
        const namespaces = rows.map(({ name, ...figures }) => namespace(name, figures));
        const state = keys.reduce(
          press,
          after([interval({ namespaces, hitRate }), interval({ usedBytes: null })], withTraffic),
        );
        const lines = frameOf(state, frame);
        expect(lines.length).toBeLessThanOrEqual(frame.rows);
        const style = { colorLevel: 0, unicode: frame.unicode, width: 1000 } as const;
        if (frame.columns < 40 || frame.rows < 10) return;
        for (const line of lines)
          expect(displayWidth(renderStyledLine({ spans: line.spans }, style))).toBeLessThan(frame.columns);
      },
    ),
    { numRuns: rounds(300) },
  );
});
