import type { BenchReport } from '../../bench/result.ts';
import type { DoctorResult } from '../doctor/result.ts';
import type { TrafficRecord } from '../../traffic/history.ts';
import type { MissCauses, NamespaceTraffic } from '../../traffic/report.ts';
import type { HitsResult } from '../hits/result.ts';
import type { InspectResult } from '../inspect/result.ts';
import type { StatsResult } from '../stats/result.ts';
import type { WhatifResult } from '../whatif/result.ts';

export const snapshotFormat = 'cachectl-report-1';

/** All that a report is made from, as `--snapshot` writes it: the results of other commands under the names of these. */
export interface ReportData {
  readonly format: typeof snapshotFormat;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly version: string;
  readonly stats: StatsResult;
  /** Of rules about the server, its namespaces and, with `--hits`, its traffic: those that one walk can answer. */
  readonly doctor: DoctorResult;
  readonly inspect: InspectResult;
  /** Null without `--hits`. */
  readonly hits: HitsResult | null;
  /** Of `--history`; absent in what was saved before there was one. */
  readonly history?: { readonly file: string; readonly windows: readonly SavedWindow[] } | null;
  /** Of `--whatif`, or of the window of `--hits` where every command was read; absent in what was saved before there was one. */
  readonly whatif?: WhatifResult | null;
  /** Of the files of `--bench`. */
  readonly bench: readonly { readonly name: string; readonly report: BenchReport }[];
}

/** A window of a history, as far as a page shows it. */
export interface SavedWindow extends Pick<TrafficRecord, 'at' | 'valid' | 'reads' | 'hits' | 'hitRate'> {
  /** Of all namespaces; null where the mode could not tell. */
  readonly causes: MissCauses | null;
  /** Those with most misses. */
  readonly namespaces: readonly Pick<NamespaceTraffic, 'namespace' | 'reads' | 'hitRate' | 'misses'>[];
}

export interface ReportResult {
  /** The page. */
  readonly file: string;
  readonly fileBytes: number;
  /** The file of `--snapshot`; null without it. */
  readonly snapshotFile: string | null;
  /** When the figures were read, ISO 8601. */
  readonly createdAt: string;
  readonly server: { readonly address: string } | null;
  readonly keys: number;
  readonly memoryBytes: number | null;
  /** False where the keys were sampled. */
  readonly exact: boolean;
  /** When the report was made that this one is compared with; null without `--compare`. */
  readonly comparedWith: string | null;
}
