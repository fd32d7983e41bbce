import { expect } from 'vitest';
import type { TrafficReport } from '../../src/traffic/report.ts';

const sumOf = (values: readonly (number | null)[]) =>
  values.reduce<number>((sum, value) => sum + (value ?? 0), 0);

/**
 * What holds of a report whose figures are all of one window: what is reported of keys and causes is part of what is reported of their
 * namespaces, and the namespaces add up to the whole.
 */
export function expectOneWindow({ namespaces, mostMissed, residual, reads, misses }: TrafficReport): void {
  expect(sumOf(namespaces.map((each) => each.misses)) + (residual.misses ?? 0)).toBe(misses);
  if (residual.reads !== null)
    expect(sumOf(namespaces.map((each) => each.reads)) + residual.reads).toBe(reads);
  const placeOf = (each: { readonly namespace: string; readonly database: number }) =>
    `${each.database}/${each.namespace}`;
  for (const each of namespaces) {
    const keys = mostMissed.filter((key) => placeOf(key) === placeOf(each));
    expect(sumOf(keys.map((key) => key.misses))).toBeLessThanOrEqual(each.misses ?? 0);
    expect(sumOf(Object.values(each.causes ?? {}))).toBe(each.misses);
    expect(each.firstMisses).toBeLessThanOrEqual(each.misses ?? 0);
    expect(each.stampedes?.extraMisses).toBeLessThanOrEqual(each.misses ?? 0);
    expect(each.stampedes?.largest).toBeLessThanOrEqual(each.misses ?? 0);
    if (each.newKeys !== null) expect(each.refill?.count ?? 0).toBeLessThanOrEqual(each.newKeys);
  }
  const places = new Set(namespaces.map(placeOf));
  for (const key of mostMissed) expect(places).toContain(placeOf(key));
}
