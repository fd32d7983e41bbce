import { printableLines } from './printable.ts';

export type SarifLevel = 'error' | 'warning' | 'notice';

/** What a tool of static analysis would report; here of a server. */
export interface SarifReport {
  readonly rules: readonly {
    readonly id: string;
    readonly name: string;
    readonly text: string;
    readonly help: string;
    readonly helpUri?: string;
    readonly level: SarifLevel;
  }[];
  readonly results: readonly {
    readonly ruleId: string;
    readonly level: SarifLevel;
    readonly message: string;
    /** What it was found in: a namespace, a command, a server. */
    readonly subject: string;
    readonly properties: Readonly<Record<string, unknown>>;
  }[];
}

/** Viewers show nothing without a file: the one in which such a thing is set right. */
const file = 'cachectl.config.json';

/**
 * A log of SARIF 2.1.0, as code scanning of GitHub and others take it.
 * @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
export function renderSarif({ rules, results }: SarifReport): string {
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'cachectl',
            rules: rules.map(({ id, name, text, help, helpUri, level }) => ({
              ...{ id, name, shortDescription: { text }, help: { text: help } },
              ...(helpUri !== undefined && { helpUri }),
              defaultConfiguration: { level: levelOf(level) },
            })),
          },
        },
        results: results.map(({ ruleId, level, message, subject, properties }) => ({
          ruleId,
          ruleIndex: rules.findIndex(({ id }) => id === ruleId),
          level: levelOf(level),
          message: { text: printableLines(message) },
          locations: [
            {
              physicalLocation: { artifactLocation: { uri: file }, region: { startLine: 1 } },
              logicalLocations: [{ fullyQualifiedName: printableLines(subject), kind: 'resource' }],
            },
          ],
          // The same thing found again is no news.
          partialFingerprints: { 'subject/v1': printableLines(`${ruleId} ${subject}`) },
          properties,
        })),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

const levelOf = (level: SarifLevel) => (level === 'notice' ? 'note' : level);
