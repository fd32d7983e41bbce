import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { causeNames, eventColumns } from '../../../src/traffic/streams/mark.ts';
import { firstMiss, KeyHistory, type SeenKey } from '../../../src/traffic/keys/key-history.ts';
import { WindowDetails } from '../../../src/traffic/keys/namespace-rows.ts';
import { KeyTable } from '../../../src/traffic/keys/key-table.ts';
import { rounds } from '../../server/effort.ts';
import { hashOf } from './text-hash.ts';

type Gone = 'expired' | 'evicted' | 'invalidated' | 'renamed';

/** A history in words; its keys are of row 1, and time does not advance unless a step says so. */
class Story {
  readonly history: KeyHistory;
  readonly window = new WindowDetails();
  now = 1_000_000;

  constructor({ replica = false, slots = 1024 } = {}) {
    this.history = new KeyHistory(new KeyTable(slots), this.now, replica);
  }

  at(millis: number): this {
    this.now = 1_000_000 + millis;
    return this;
  }

  gone(cause: Gone, key = 'k', database = 0): this {
    this.history.gone(this.seen(key, database), cause);
    return this;
  }

  stored(key = 'k', database = 0): this {
    this.history.stored(this.seen(key, database));
    return this;
  }

  written(key = 'k'): this {
    this.history.written(this.seen(key));
    return this;
  }

  lives(ttlMillis: number, key = 'k'): this {
    this.history.lives(this.seen(key), ttlMillis);
    return this;
  }

  stays(key = 'k'): this {
    this.history.stays(this.seen(key));
    return this;
  }

  flushed(database: number | null): this {
    this.history.flushed(database, this.now);
    return this;
  }

  /** The cause, with an exclamation mark for the first word of a key. */
  miss(key = 'k', database = 0): string {
    const told = this.history.miss(this.seen(key, database));
    return `${causeNames[told % firstMiss] ?? ''}${told >= firstMiss ? '!' : ''}`;
  }

  misses(count: number): this {
    for (let index = 0; index < count; index++) this.miss();
    return this;
  }

  private seen(key: string, database = 0): SeenKey {
    const hash = hashOf(key, database);
    return { ...hash, database, row: 1, nowMillis: this.now, details: this.window };
  }

  get details() {
    return this.window.of(1);
  }
}

describe('the cause of a miss', () => {
  test.each(['expired', 'evicted', 'invalidated', 'renamed'] as const)(
    'is how the key went: %s, time and again until it is stored',
    (cause) => {
      const story = new Story().stored().at(5).gone(cause);
      expect([story.miss(), story.at(9000).miss()]).toEqual([cause, cause]);
      expect(story.stored().gone('invalidated').miss()).toBe('invalidated');
    },
  );

  test('is the last of several', () => {
    const story = new Story().gone('expired').stored().gone('invalidated');
    expect(story.miss()).toBe('invalidated');
    expect(story.stored().gone('evicted').miss()).toBe('evicted');
    expect(story.stored().gone('renamed').stored().gone('expired').miss()).toBe('expired');
  });

  test('is not known where no event told of the key: it was gone or is new; never cached from its second miss on', () => {
    const story = new Story();
    expect([story.miss(), story.miss(), story.miss('other')]).toEqual([
      'goneOrNew!',
      'neverCached',
      'goneOrNew!',
    ]);
  });

  test('is unknown for a key that was stored and went without an event', () => {
    expect(new Story().stored().at(10).miss()).toBe('unknown');
    expect(new Story().at(1).miss()).toBe('goneOrNew!');
  });

  test('is that of the key in its own database', () => {
    const story = new Story().gone('expired', 'k', 3);
    expect([story.miss('k', 3), story.miss('k', 4)]).toEqual(['expired', 'goneOrNew!']);
  });

  test('is unknown on a replica where a key was deleted, for expiry and eviction come as DEL too', () => {
    const story = new Story({ replica: true }).stored().gone('invalidated');
    expect(story.miss()).toBe('unknown');
    expect(story.gone('expired').miss()).toBe('expired');
  });

  test('is unknown for a key that was forgotten, and gone or new for one that was never seen', () => {
    const story = new Story({ slots: 64 }).gone('expired', 'old');
    for (let index = 0; index < 200; index++) story.stored(`key:${index}`);
    expect(story.history.table.forgotten).toBeGreaterThan(0);
    expect(story.miss('old')).toBe('unknown!');
    expect(story.miss('old')).toBe('unknown');
    expect(story.miss('new')).toBe('goneOrNew!');
  });
});

describe('a flush', () => {
  test('of its database or of all makes misses of what was stored before it invalidated', () => {
    expect(new Story().stored().at(10).flushed(0).miss()).toBe('invalidated');
    expect(new Story().stored().at(10).flushed(null).miss()).toBe('invalidated');
    expect(new Story().stored().at(10).flushed(7).miss()).toBe('unknown');
    expect(new Story().stored('k', 7).at(10).flushed(7).miss('k', 7)).toBe('invalidated');
  });

  test('counts also in the millisecond in which the key was stored', () => {
    expect(new Story().at(10).stored().flushed(0).miss()).toBe('invalidated');
  });

  test('says nothing of what was stored after it', () => {
    expect(new Story().at(10).flushed(0).at(20).stored().miss()).toBe('unknown');
    expect(new Story().at(10).flushed(null).at(20).stored().gone('evicted').miss()).toBe('evicted');
  });

  test('leaves what went before it its cause', () => {
    expect(new Story().stored().gone('expired').at(10).flushed(0).miss()).toBe('expired');
  });

  test('lets nobody know of keys without a word whether they were cached', () => {
    const story = new Story().at(10).flushed(2);
    expect([story.miss('a', 2), story.miss('a', 0)]).toEqual(['unknown!', 'goneOrNew!']);
    expect(new Story().flushed(null).miss('a', 9)).toBe('unknown!');
  });
});

describe('what MONITOR says of TTLs and writes', () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constantFrom('expired', 'evicted', 'invalidated', 'renamed', 'stored', 'miss'),
      key: fc.constantFrom('a', 'b', 'c'),
      millis: fc.nat(3000),
    }),
  );
  const word = fc.record({
    before: fc.nat(40),
    key: fc.constantFrom('a', 'b', 'c', 'd'),
    ttl: fc.oneof(fc.nat(5000), fc.constant(1e15)),
    writes: fc.boolean(),
  });

  test('changes no cause, whenever it comes', () => {
    const tell = (
      steps: readonly { kind: string; key: string; millis: number }[],
      words: readonly { before: number; key: string; ttl: number; writes: boolean }[],
    ) => {
      const story = new Story();
      const causes: string[] = [];
      let now = 0;
      steps.forEach(({ kind, key, millis }, index) => {
        story.at((now += millis));
        for (const { before, key: named, ttl, writes } of words) {
          if (before !== index) continue;
          if (writes) story.written(named);
          else story.lives(ttl, named);
        }
        if (kind === 'miss') causes.push(story.miss(key));
        else if (kind === 'stored') story.stored(key);
        else story.gone(kind as Gone, key);
      });
      return causes;
    };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.array(word, { maxLength: 20 }), (steps, words) => {
        expect(tell(steps, words)).toEqual(tell(steps, []));
      }),
      { numRuns: rounds(2000), interruptAfterTimeLimit: 10_000 },
    );
  });

  test('makes nobody doubt that a key was gone or new, though the word of it was forgotten', () => {
    const story = new Story({ slots: 64 }).lives(500, 'told');
    for (let index = 0; index < 200; index++) story.stored(`key:${index}`);
    expect(story.miss('told')).toBe('goneOrNew!');
  });
});

describe('how long a key was over when it was missed', () => {
  const overOf = (story: Story) => story.details.expiredForMillis.quantile(1);

  test('counts from its deadline, told before or after the event of its storing', () => {
    const before = new Story().at(1).lives(1000).at(2).stored().at(5000).gone('expired');
    before.miss();
    expect(overOf(before)).toBe(3999);
    const after = new Story().at(1).stored().at(2).lives(1000).at(5000).gone('expired');
    after.miss();
    expect(overOf(after)).toBe(3998);
  });

  test('is not known without a deadline, or with one that was not kept', () => {
    const untold = new Story().stored().at(5000).gone('expired').at(5700);
    untold.miss();
    const later = new Story().stored().lives(60_000).at(5000).gone('expired').at(5700);
    later.miss();
    const taken = new Story().stored().lives(1000).at(10).stays().at(9000).gone('expired').at(9100);
    taken.miss();
    const otherwise = new Story().stored().lives(1000).at(10).gone('invalidated').at(20).stored();
    otherwise.at(9000).gone('expired').at(9100).miss();
    for (const story of [untold, later, taken, otherwise]) expect(overOf(story)).toBeNull();
  });

  test('counts from a new deadline when it was lengthened', () => {
    const story = new Story().at(1).stored().lives(1000).at(900).lives(1000).at(5000).gone('expired');
    story.miss();
    expect(overOf(story)).toBe(3100);
  });

  test('is that of the first miss', () => {
    const story = new Story().at(1).stored().lives(500).at(1000).gone('expired').at(1010).misses(3);
    expect([story.details.expiredForMillis.count, overOf(story)]).toEqual([1, 509]);
  });

  test('counts from the last deadline where MONITOR shows the next life before the events show the miss', () => {
    const story = new Story().at(1).stored().lives(500).at(1001).lives(500).gone('expired');
    story.misses(1).stored();
    expect(overOf(story)).toBe(500);
    story.at(2001).gone('expired').misses(1);
    expect([story.details.expiredForMillis.count, overOf(story)]).toEqual([2, 500]);
  });

  test('is none of a gap that began before the window', () => {
    const story = new Story().at(1).stored().lives(500).at(1000).gone('expired');
    story.window.begin(story.now);
    story.at(1100).misses(1).stored().lives(500).at(2000).gone('expired').misses(1);
    expect([story.details.expiredForMillis.count, overOf(story)]).toEqual([1, 400]);
  });
});

describe('how long a key was over that was not missed', () => {
  const openOf = ({ history, now }: Story) => history.openGaps(1_000_000, now).get(1)?.quantile(1) ?? null;

  test('lasts until it is stored again', () => {
    const story = new Story().at(1).stored().lives(500).at(900).gone('expired').at(1001).stored();
    expect(story.details.unreadForMillis.quantile(1)).toBe(500);
    expect([story.details.expiredForMillis.count, openOf(story)]).toEqual([0, null]);
  });

  test('lasts until the end of the window, whether the server has noted the end of the TTL or not', () => {
    const story = new Story().at(1).stored().lives(500).at(1001);
    expect(openOf(story)).toBe(500);
    expect(openOf(story.gone('expired').at(2001))).toBe(1500);
    expect(story.history.openGaps(1_000_600, 1_002_001).size).toBe(0);
    story.misses(1);
    expect(openOf(story.at(3000))).toBeNull();
  });

  test('is looked for among keys that make room for others too', () => {
    const story = new Story({ slots: 64 }).at(1);
    for (let key = 0; key < 60; key++) story.lives(100, `key:${key}`);
    expect(story.at(1000).history.openGaps(1_000_000, story.now).get(1)?.count).toBe(60);
  });
});

describe('the time until a missed key is stored', () => {
  test('counts from its first miss', () => {
    const story = new Story().at(100).misses(1).at(250).misses(1).at(400).stored();
    expect(story.details.refillMillis.quantile(1)).toBe(300);
    expect(story.details.refillMillis.count).toBe(1);
  });

  test('is none where nobody missed it', () => {
    expect(new Story().stored().gone('expired').stored().details.refillMillis.count).toBe(0);
  });

  test('ends with a write where the server does not tell of new keys', () => {
    const story = new Story().at(100).misses(2).at(150).written().at(160).written();
    expect(story.details.refillMillis.count).toBe(1);
    expect(story.details.refillMillis.quantile(1)).toBe(50);
  });
});

describe('a stampede', () => {
  const figures = ({ details }: Story) => [details.stampedes, details.extraMisses, details.largestStampede];

  test('is several misses within a second of the first, before the key is stored', () => {
    expect(
      figures(new Story().stored().gone('expired').at(10).misses(5).at(1010).misses(2).stored()),
    ).toEqual([1, 6, 7]);
    expect(figures(new Story().at(1).misses(1).at(1002).misses(9).stored())).toEqual([0, 0, 0]);
    expect(figures(new Story().misses(1).stored())).toEqual([0, 0, 0]);
    expect(figures(new Story().misses(4))).toEqual([0, 0, 0]);
  });

  test('begins anew with each life of the key', () => {
    const story = new Story().misses(3).stored().gone('evicted').at(100).misses(2).stored();
    expect(figures(story)).toEqual([2, 3, 3]);
  });

  test('counts in a window only where all of its misses are of that window, and a refill where it ends', () => {
    const story = new Story().at(10).misses(9);
    story.window.begin(story.now);
    story.at(20).stored();
    expect(figures(story)).toEqual([0, 0, 0]);
    expect(story.details.refillMillis.count).toBe(1);
    story.gone('expired').at(30).misses(3).at(40).stored();
    expect(figures(story)).toEqual([1, 2, 3]);
    story.window.begin(story.now);
    expect([figures(story), story.details.refillMillis.count]).toEqual([[0, 0, 0], 0]);
  });

  test('of more than 65,535 misses is told whole', () => {
    const story = new Story().gone('expired').misses(70_000).stored();
    expect(figures(story)).toEqual([1, 69_999, 70_000]);
  });
});

test('the distance between an eviction and a miss is the number of keys evicted since, itself included', () => {
  const story = new Story().gone('evicted', 'k');
  for (let index = 0; index < 9; index++) story.gone('evicted', `other:${index}`);
  story.miss('k');
  expect(story.details.evictionDistance.quantile(1)).toBe(10);
  story.miss('other:8');
  expect(story.details.evictionDistance.quantile(0)).toBe(1);
});

test('each cause has a place of its own, below the mark of a first word', () => {
  expect(causeNames.map((name) => eventColumns[name])).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(causeNames.length).toBeLessThan(firstMiss);
});

test('details that were shown stay as they were when the window goes on', () => {
  const story = new Story().at(100).misses(2).at(150).stored();
  const shown = story.window.shown();
  const again = story.window.shown();
  story.gone('expired').at(200).misses(3).at(250).stored();
  for (const each of [shown, again]) expect(each.get(1)).toMatchObject({ stampedes: 1, extraMisses: 1 });
  expect(story.window.shown().get(1)).toMatchObject({ stampedes: 2, extraMisses: 3 });
  expect(story.window.shown().get(1)?.refillMillis.count).toBe(2);
});
