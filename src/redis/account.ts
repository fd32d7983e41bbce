/** What reading keys cost the server, and what could not be seen. */
export interface WalkAccount {
  /** True when the cursor came back to zero. */
  complete: boolean;
  /** Where a walk continues: the cursor after the last page that was handed over. */
  cursor: string;
  commands: number;
  receivedBytes: number;
  /** Keys that the user may see in SCAN but not read. */
  unreadableKeys: number;
  /** Keys of which the server does not say what a condition asks for: they do not fit. Left out: there were none. */
  unjudgedKeys?: number;
  /** Columns that the server refused, with its own words. */
  refusedColumns: { column: ColumnName; reason: string }[];
  /** How often a broken connection was picked up at the cursor. */
  reconnects: number;
}

export function emptyAccount(): WalkAccount {
  return {
    complete: false,
    cursor: '0',
    commands: 0,
    receivedBytes: 0,
    unreadableKeys: 0,
    refusedColumns: [],
    reconnects: 0,
  };
}

/** The sums over the walks of all nodes; `complete` only when there are as many as nodes and all are. */
export function sumAccounts(accounts: readonly WalkAccount[], nodes: number): WalkAccount {
  const sum = emptyAccount();
  sum.complete = accounts.length === nodes && accounts.every(({ complete }) => complete);
  for (const account of accounts) {
    sum.commands += account.commands;
    sum.receivedBytes += account.receivedBytes;
    sum.unreadableKeys += account.unreadableKeys;
    if (account.unjudgedKeys !== undefined) sum.unjudgedKeys = (sum.unjudgedKeys ?? 0) + account.unjudgedKeys;
    sum.reconnects += account.reconnects;
    for (const refused of account.refusedColumns) noteRefusal(sum, refused.column, refused.reason);
  }
  return sum;
}

/** Notes a column that the server refuses, once. */
export function noteRefusal(account: WalkAccount, column: ColumnName, reason: string): void {
  if (account.refusedColumns.some((refused) => refused.column === column)) return;
  account.refusedColumns.push({ column, reason });
}

/**
 * What can be read of a key. `memory` leaves no trace; each of the others costs one lookup that the server counts as a
 * hit, and none of them touches idle time or the frequency counter. `idle` is refused under an LFU policy, `frequency`
 * under any other.
 */
export type ColumnName = 'memory' | 'type' | 'ttl' | 'encoding' | 'idle' | 'frequency';
