import { secondsUntilMidnight } from '../keyspace/ttl.ts';

const timeZone = 'Europe/Prague';

/** A moment, with the dates that the applications put into keys. */
export class Clock {
  // To format a date in a time zone takes as long as to make a whole record.
  private readonly pragueDates = new Map<number, string>();
  private secondsLeft: number | undefined;

  /** @param now milliseconds since the epoch */
  constructor(readonly now: number) {}

  /** `YYYY-MM-DD` in Prague, `daysAgo` days before today. */
  pragueDate(daysAgo: number): string {
    const known = this.pragueDates.get(daysAgo);
    if (known !== undefined) return known;
    const format = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' });
    const date = format.format(this.dayBefore(daysAgo));
    this.pragueDates.set(daysAgo, date);
    return date;
  }

  utcDate(daysAgo: number): string {
    return new Date(this.dayBefore(daysAgo)).toISOString().slice(0, 10);
  }

  /** Seconds until midnight in Prague. */
  get secondsLeftToday(): number {
    return (this.secondsLeft ??= secondsUntilMidnight(timeZone, this.now));
  }

  private dayBefore(daysAgo: number): number {
    return this.now - daysAgo * 86_400_000;
  }
}

/** A clock that is set once a second. */
export function movingClock(now: () => number): () => Clock {
  let clock = new Clock(now());
  return () => {
    const millis = now();
    if (millis - clock.now >= 1000) clock = new Clock(millis);
    return clock;
  };
}
