import type { SelectionInput } from '../key-selection.ts';
import type { KeyspaceFigures } from '../keyspace-report.ts';
import type { TtlRuleReport } from '../namespace-summary.ts';
import type { LayoutInput } from '../namespace-columns.ts';
import type { ReadingInput } from '../reading-options.ts';
import type { Growth } from './snapshot.ts';

export const defaultTop = 10;

export interface InspectInput extends ReadingInput, SelectionInput, LayoutInput {
  readonly patterns: readonly string[];
  readonly depth?: number;
  readonly delimiters?: string;
  /** How many of the largest keys are listed. None: `defaultTop`. */
  readonly top?: number;
  /** None: `defaultLimit`, and for people what fits on the screen. */
  readonly limit?: number;
  /** Also find the keys with the most elements. */
  readonly mostElements?: true;
  /** Look through the tree at the terminal. */
  readonly browse?: true;
  readonly save?: string;
  /** Replace the file of --save or --checkpoint. */
  readonly force?: true;
  readonly since?: string;
  readonly checkpoint?: string;
  readonly resume?: string;
}

export interface InspectResult extends KeyspaceFigures {
  /** Of all namespaces with a rule, also of those that `namespaces` sums up in `(other)`. */
  readonly ttlRules: readonly ({ readonly namespace: string } & TtlRuleReport)[];
  /** Of the keys that were read. */
  readonly largest: readonly {
    readonly key: string;
    readonly keyBase64?: string;
    /** The name of its row, also where that one is summed up in `(other)`. */
    readonly namespace: string | null;
    readonly memoryBytes: number;
    readonly type: string | null;
  }[];
  /**
   * Of all keys, the ones of each type with the most elements, and of strings the largest: the first of each type, then the second
   * of each. Null: not asked for, or not read to the end.
   */
  readonly mostElements:
    | readonly {
        readonly type: string;
        readonly key: string;
        readonly keyBase64?: string;
        readonly namespace: string | null;
        /** Null: of a string. */
        readonly elements: number | null;
        readonly memoryBytes: number | null;
      }[]
    | null;
  /** What changed since a saved snapshot; null without one. */
  readonly growth: Growth | null;
}
