import { isFrom, type Release, survivesNoTouch } from '../../redis/info.ts';

interface KnownFault {
  readonly id: string;
  readonly what: string;
  readonly isIn: (release: Release) => boolean;
}

/** True where the line of the version has the fix from this one on. @param lines of the oldest first; older ones never had it */
const hasSince =
  (...lines: readonly (readonly number[])[]) =>
  (release: Release): boolean => {
    const last = lines.at(-1) ?? [];
    return (
      isFrom(release, last) ||
      lines.some((least) => isFrom(release, least) && !isFrom(release, [least[0] ?? 0, (least[1] ?? 0) + 1]))
    );
  };

const mendedScripts: Readonly<Record<string, (release: Release) => boolean>> = {
  redis: hasSince([6, 2, 20], [7, 2, 11], [7, 4, 6], [8, 0, 4], [8, 2, 2]),
  valkey: hasSince([7, 2, 11], [8, 0, 6], [8, 1, 4]),
};

/** Redis 7.2 is left out, of which it is not certain where it was mended. */
const mendedUnblocking: Readonly<Record<string, (release: Release) => boolean>> = {
  redis: hasSince([7, 4, 9], [8, 2, 6], [8, 4, 3], [8, 6, 3]),
  valkey: hasSince([8, 0, 8], [8, 1, 7], [9, 0, 4], [9, 1]),
};

/** Faults that are documented with the versions that have the mend. */
export const knownFaults: readonly KnownFault[] = [
  {
    id: 'CVE-2025-49844',
    what: 'whoever may run a script can run code in the server (CVE-2025-49844)',
    isIn: (release) => mendedScripts[release.product]?.(release) === false,
  },
  {
    id: 'CVE-2026-23479',
    what: 'a user may run code in the server where a blocked client is evicted (CVE-2026-23479)',
    isIn: (release) => isFrom(release, [7, 4]) && mendedUnblocking[release.product]?.(release) === false,
  },
  {
    id: 'no-touch-crash',
    what: 'a command of a connection with CLIENT NO-TOUCH can crash it while slots move',
    isIn: (release) =>
      isFrom(release, [release.product === 'valkey' ? 8 : 7, release.product === 'valkey' ? 0 : 9]) &&
      !survivesNoTouch(release),
  },
];
