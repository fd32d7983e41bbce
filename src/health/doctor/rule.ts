import type { NamespaceMap, Thresholds } from '../../keyspace/map.ts';
import type { Info } from '../../redis/info.ts';
import { say, type Phrase } from '../../support/phrase.ts';
import type { TrafficReport } from '../../traffic/report.ts';
import { obstacle, refusalOf, type Finding } from '../check.ts';
import type { Facts } from '../facts.ts';
import type { QuestionId } from '../questions.ts';
import { rules as sharedRules } from '../report.ts';
import type { KeyFacts } from './key-facts.ts';
import type { ServerFacts } from './server-facts.ts';

/** The worst first. */
export const severities = ['critical', 'warning', 'notice'] as const;
export type Severity = (typeof severities)[number];

/** What could not be read, and why. */
export class Missing {
  constructor(readonly reason: Phrase) {}
}

export type Known<Value> = Value | Missing;

/** All that the rules rest on: gathered once, and then only read. */
export interface Examination {
  /** What the rules of `check` and of the grade read. */
  readonly server: Facts;
  readonly limits: Thresholds;
  readonly map: NamespaceMap;
  /** By node, in the order of `server.nodes`. */
  readonly nodes: readonly ServerFacts[];
  readonly keys: Known<KeyFacts>;
  /** An IANA name: where the people who run the cache are, as far as this machine knows. */
  readonly localTimeZone: string;
  readonly traffic: Known<TrafficReport>;
}

/** What a finding costs, as far as it is known. */
export interface Cost {
  readonly bytes: number | null;
  readonly missesPerSecond: number | null;
  /** In the currency of the map's `missCost`. */
  readonly costPerHour: number | null;
}

/** One thing that a rule found. */
export interface Symptom extends Pick<Finding, 'message' | 'evidence'> {
  /** A namespace, a command, or a node of several; null: the server. */
  readonly subject: string | null;
  /** Where a better one is known than that of the rule. */
  readonly remedy?: string | null;
  readonly cost?: Partial<Cost>;
  /** Where it is not that of the rule. */
  readonly severity?: Severity;
}

/** A question about a cache, numbered: CC1xx the server, CC2xx its keys, CC3xx its traffic, CC4xx who may do what. */
export interface Rule {
  readonly number: `CC${number}`;
  /** Stable, since people name it in maps and pipelines. */
  readonly id: string;
  readonly severity: Severity;
  readonly question: string;
  /** What to run or to set, in general. */
  readonly remedy: string;
  /** Where the fact is documented. */
  readonly source: string;
  /** Pure. None: all is well. */
  readonly assess: (examination: Examination) => Known<readonly Symptom[]>;
}

export const symptom = (
  message: Phrase,
  evidence: Symptom['evidence'],
  more: Partial<Symptom> = {},
): Symptom => ({ subject: null, message, evidence, ...more });

/** What a rule that `check`, the grade or both have too finds. */
export function ofCheck(id: QuestionId): Rule['assess'] {
  const rule = sharedRules.find((each) => each.id === id);
  if (rule === undefined) throw new Error(`there is no rule ${id}`);
  return ({ server, limits }) => {
    const { status, message, evidence, remedy } = rule.assess(server, limits);
    if (status === 'skip') return new Missing(message);
    return status === 'pass' ? [] : [symptom(message, evidence, { remedy })];
  };
}

/** What each node shows by one of its answers. Of several nodes a symptom says which. */
export function ofNodes<Name extends keyof ServerFacts>(
  name: Name,
  assess: (
    answer: Exclude<ServerFacts[Name], Missing>,
    node: ServerFacts,
    examination: Examination,
  ) => Known<readonly Symptom[]>,
): Rule['assess'] {
  return (examination) => {
    const { nodes } = examination;
    const verdicts = nodes.map((node) => {
      const answer = node[name];
      if (answer instanceof Missing) return answer;
      const found = assess(answer as Exclude<ServerFacts[Name], Missing>, node, examination);
      if (found instanceof Missing || nodes.length === 1) return found;
      return found.map((each) => ({
        ...each,
        message: [`${node.address}: `, ...each.message],
        evidence: { node: node.address, ...each.evidence },
      }));
    });
    return joined(verdicts);
  };
}

/** What INFO of each node shows. */
export const ofInfo = (
  assess: (info: Info, node: ServerFacts, examination: Examination) => Known<readonly Symptom[]>,
): Rule['assess'] => ofNodes('info', assess);

/** A symptom counts, also where something else could not be judged. */
function joined(verdicts: readonly Known<readonly Symptom[]>[]): Known<readonly Symptom[]> {
  const found = verdicts.flatMap((each) => (each instanceof Missing ? [] : each));
  const missing = verdicts.find((each) => each instanceof Missing);
  return found.length > 0 || missing === undefined ? found : missing;
}

export const ofKeys =
  (assess: (keys: KeyFacts, examination: Examination) => Known<readonly Symptom[]>): Rule['assess'] =>
  (examination) =>
    examination.keys instanceof Missing ? examination.keys : assess(examination.keys, examination);

export const unreported = (field: string): Missing =>
  new Missing(say`the server does not report \`${field}\``);

/** Why a node gave no INFO. */
export const withoutInfo = (facts: Facts): Missing =>
  new Missing(refusalOf(facts.nodes, 'INFO') ?? obstacle(facts) ?? say`\`INFO\` gave nothing`);
