import type { Thresholds } from '../keyspace/map.ts';
import { databasesOf, type Info, infoNumber } from '../redis/info.ts';
import { type Facts, isLoading, type NodeFacts } from './facts.ts';
import { type Phrase, type Quantity, say } from '../support/phrase.ts';

/** `skip`: the question does not apply, or could not be answered; the message says which. */
export type CheckStatus = 'pass' | 'warn' | 'fail' | 'skip';

/** The answer to a check's question. */
export interface Finding {
  readonly status: CheckStatus;
  readonly message: Phrase;
  /** The figure the answer rests on, and the limit it was held against. */
  readonly value: number | null;
  readonly limit: number | null;
  /** How both read; null without a value. */
  readonly unit: Quantity['unit'] | null;
  /** What was read from the server, under names that carry their units. */
  readonly evidence: Readonly<Record<string, string | number | boolean | null>>;
  /** What to do about it; may name a command. */
  readonly remedy: string | null;
}

/** What a finding says of the worth of a cache. */
export interface GradeReason {
  readonly rule: string;
  /** Points taken off; 0: held, or not judged. */
  readonly points: number;
  readonly tone: 'good' | 'warning' | 'bad' | 'plain';
  readonly text: string;
}

/** One question that `check` and the grade of `stats` put to the facts. */
export interface Check {
  /** Stable: people name it in pipelines, and reports are compared by it. */
  readonly id: string;
  readonly title: string;
  readonly question: string;
  /** Pure: the same facts and limits always give the same finding. */
  readonly assess: (facts: Facts, limits: Thresholds) => Finding;
  /** What asking cost, in milliseconds; 0 where the answer came with another check's. */
  readonly durationMillis?: (facts: Facts) => number;
  /** What the finding does to the grade; none: the grade does not ask, null: there is nothing to say. */
  readonly grade?: (finding: Finding, facts: Facts) => Omit<GradeReason, 'rule'> | null;
  /** True where a cache may well be run so: `check` does not ask. */
  readonly gradeOnly?: true;
}

/** A finding of a status and its sentence; what else is known is added to it. */
export function finding(
  status: CheckStatus,
  message: Phrase,
  more: Partial<Omit<Finding, 'status' | 'message'>> = {},
): Finding {
  return { status, message, value: null, limit: null, unit: null, evidence: {}, remedy: null, ...more };
}

/** A finding about one figure. */
export function measured(
  status: CheckStatus,
  message: Phrase,
  figure: { readonly value: number; readonly limit: number | undefined; readonly unit: Quantity['unit'] },
  more: { readonly evidence?: Finding['evidence']; readonly remedy?: string } = {},
): Finding {
  return finding(status, message, {
    value: figure.value,
    limit: figure.limit ?? null,
    unit: figure.unit,
    ...more,
  });
}

/** Why nothing can be asked: there is no way in. Null where there is one. */
export function obstacle(facts: Facts): Phrase | null {
  switch (facts.stop?.at) {
    case 'connect':
      return say`there is no connection`;
    case 'login':
      return say`not logged in`;
    case 'database':
      return say`database ${String(facts.database)} could not be selected`;
    case 'work':
      return say`the connection was lost`;
    case undefined:
      return facts.interrupted ? say`interrupted` : null;
  }
}

/** The question waits for a server that has its dataset: until then it is skipped. */
export function onceLoaded(assess: Check['assess']): Check['assess'] {
  return (facts, limits) =>
    isLoading(facts) ? finding('skip', say`the server is still loading its dataset`) : assess(facts, limits);
}

/** What INFO of one node says. */
export interface NodeInfo {
  readonly address: string;
  readonly info: Info;
}

/** The question is answered by INFO of all nodes; where there is none, it is skipped with the reason. */
export function fromInfo(
  assess: (nodes: readonly [NodeInfo, ...NodeInfo[]], limits: Thresholds) => Finding,
): Check['assess'] {
  return onceLoaded((facts, limits) => {
    const known: NodeInfo[] = facts.nodes.flatMap(({ address, info }) =>
      info === null ? [] : [{ address, info }],
    );
    const [first, ...others] = known;
    if (first !== undefined && known.length === facts.nodes.length) return assess([first, ...others], limits);
    return finding('skip', refusalOf(facts.nodes, 'INFO') ?? obstacle(facts) ?? say`\`INFO\` gave nothing`);
  });
}

/** The same where more than INFO is needed. */
export function fromFacts(assess: Check['assess']): Check['assess'] {
  return (facts, limits) => fromInfo(() => assess(facts, limits))(facts, limits);
}

/** The same where each node has its own answer: the worst one stands for all, and says whose it is. */
export function fromEachInfo(assess: (info: Info, limits: Thresholds) => Finding): Check['assess'] {
  return fromInfo((nodes, limits) => worstOf(nodes, ({ info }) => assess(info, limits)));
}

const severity: Readonly<Record<CheckStatus, number>> = { skip: 0, pass: 1, warn: 2, fail: 3 };

/** The finding that matters most: by status, then by its figure. The first of equals. */
export function worstOf<Node extends { readonly address: string }>(
  nodes: readonly [Node, ...Node[]],
  assess: (node: Node) => Finding,
): Finding {
  const found = nodes.map((node) => ({ node, finding: assess(node) }));
  const worst = found.reduce((left, right) => {
    const difference =
      severity[right.finding.status] - severity[left.finding.status] ||
      (right.finding.value ?? 0) - (left.finding.value ?? 0);
    return difference > 0 ? right : left;
  });
  if (nodes.length === 1) return worst.finding;
  return {
    ...worst.finding,
    message: [`${worst.node.address}: `, ...worst.finding.message],
    evidence: { node: worst.node.address, ...worst.finding.evidence },
  };
}

/** "`INFO` is refused: …" with the server's own words, or null where no node refused it. */
export function refusalOf(nodes: readonly NodeFacts[], command: string): Phrase | null {
  const refusal = nodes.flatMap(({ refusals }) => refusals).find((each) => each.command === command);
  return refusal === undefined ? null : say`\`${command}\` is refused (${refusal.error.code})`;
}

/** The server reports no such field: older, or a service that hides it. */
export function unreported(field: string): Finding {
  return finding('skip', say`the server does not report \`${field}\``);
}

/** The sum of a field of INFO over the nodes; null where one of them does not report it. */
export function sumOf(nodes: readonly { readonly info: Info | null }[], field: string): number | null {
  const values = nodes.map(({ info }) => info && infoNumber(info, field));
  return values.reduce<number | null>(
    (sum, value) => (sum === null || value === null ? null : sum + value),
    0,
  );
}

/** Keys of all databases and nodes, and those of them with a TTL; null where a node does not report them. */
export function keysOf({ nodes }: Pick<Facts, 'nodes'>): { keys: number; keysWithTtl: number | null } | null {
  const sum: { keys: number; keysWithTtl: number | null } = { keys: 0, keysWithTtl: 0 };
  for (const { info } of nodes) {
    const databases = info && databasesOf(info);
    if (databases === null) return null;
    for (const { keys, keysWithTtl } of databases) {
      sum.keys += keys;
      sum.keysWithTtl =
        sum.keysWithTtl === null || keysWithTtl === null ? null : sum.keysWithTtl + keysWithTtl;
    }
  }
  return sum;
}

/** One decimal; what is not everything never reads 100 %. */
export function percent(ratio: number): string {
  const tenths = Math.round(ratio * 1000);
  return `${((ratio < 1 ? Math.min(tenths, 999) : tenths) / 10).toFixed(1)} %`;
}
