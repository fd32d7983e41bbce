import { sumOrNull } from '../support/collections.ts';
import type { Thresholds } from '../keyspace/map.ts';
import { databasesOf, type Info, infoNumber } from '../redis/info.ts';
import type { QuestionId } from './questions.ts';
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

/** Null: there is nothing to say. */
export type PartOfGrade = Omit<GradeReason, 'rule'> | null;

/** One question that `check` and the grade of `stats` put to the facts. */
export interface Check {
  readonly id: QuestionId;
  /** Pure: the same facts and limits always give the same finding. */
  readonly assess: (facts: Facts, limits: Thresholds) => Finding;
  /** What asking cost, in milliseconds; 0 where the answer came with another check's. */
  readonly durationMillis?: (facts: Facts) => number;
  /** What the finding does to the grade; none: the grade does not ask. */
  readonly grade?: (finding: Finding, facts: Facts) => PartOfGrade;
}

/** A finding of a status and its sentence, with what else is known. */
export function finding(
  status: CheckStatus,
  message: Phrase,
  more: Partial<Omit<Finding, 'limit'>> & { readonly limit?: number | null | undefined } = {},
): Finding {
  const { value = null, limit = null, unit = null, evidence = {}, remedy = null } = more;
  return { status, message, value, limit, unit, evidence, remedy };
}

/** A figure and the highest that is allowed; undefined: any. */
interface Held extends Pick<Finding, 'evidence' | 'remedy'> {
  readonly value: number;
  readonly limit: number | undefined;
  readonly unit: Quantity['unit'];
}

/**
 * Holds a figure against its limit: `pass` without one and up to it, else `fail`, with what to do.
 * @param inShort What is found, as it reads before `, above the limit of 5 ms`.
 */
export function held({ remedy, ...figure }: Held, found: Phrase, inShort = found): Finding {
  const { value, limit, unit } = figure;
  return limit === undefined || value <= limit
    ? finding('pass', found, figure)
    : finding('fail', [...inShort, ', above the limit of ', { value: limit, unit }], { ...figure, remedy });
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

/** The same where each node has its own answer: the worst one represents all, and says which node it is from. */
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
  return sumOrNull(nodes.map(({ info }) => info && infoNumber(info, field)));
}

/** Keys of all databases and nodes, and those of them with a TTL; null where a node does not report them. */
export function keysOf({ nodes }: Pick<Facts, 'nodes'>): { keys: number; keysWithTtl: number | null } | null {
  const reported = nodes.map(({ info }) => info && databasesOf(info));
  if (reported.includes(null)) return null;
  const databases = reported.flatMap((each) => each ?? []);
  return {
    keys: databases.reduce((sum, { keys }) => sum + keys, 0),
    keysWithTtl: sumOrNull(databases.map(({ keysWithTtl }) => keysWithTtl)),
  };
}

/** One decimal; what is not everything never reads 100 %. */
export function percent(ratio: number): string {
  const tenths = Math.round(ratio * 1000);
  return `${((ratio < 1 ? Math.min(tenths, 999) : tenths) / 10).toFixed(1)} %`;
}
