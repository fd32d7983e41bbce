import {
  ConfigError,
  type ConfigProblem,
  configFileName,
  findConfigFile,
  problemLines,
} from '../../config/find.ts';
import { parseConfig, readMapText } from '../../config/load.ts';
import { locate } from '../../config/places.ts';
import type { ConfigFile } from '../../config/schema.ts';
import { configWarnings } from '../../config/warnings.ts';
import { InputError } from '../../support/failure.ts';
import { type Block, note } from '../../render/blocks.ts';
import { counted } from '../../render/units.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { guessedRulesText, howToConfirm } from '../namespace-summary.ts';
import { blankOf } from '../blank.ts';

interface ValidateResult {
  readonly file: string;
  readonly valid: boolean;
  /** What the map holds; null where it is not valid. */
  readonly counts: {
    readonly namespaces: number;
    readonly stateNamespaces: number;
    readonly patterns: number;
    /** TTL rules that are marked as guesses. */
    readonly guessedTtls: number;
    readonly entities: number;
    readonly profiles: number;
    readonly thresholds: number;
  } | null;
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly ConfigProblem[];
}

/** @param named The file that the command line names; undefined: the one that would be used here. */
export function validateExecution(named: string | undefined): Execution<ValidateResult> {
  return {
    blank: blankOf<ValidateResult>()('file valid counts problems[] warnings[]'),
    rows: 'problems',
    standalone: true,
    run: (context) => validate(context, fileToTest(context, named)),
    view,
  };
}

function fileToTest({ environment }: Context, named: string | undefined): string {
  const { workingDirectory, variables } = environment;
  const found = findConfigFile(workingDirectory, variables, named);
  if (found !== null) return found.file;
  throw new InputError(
    `there is no ${configFileName} in \`${workingDirectory}\` or above it`,
    '`cachectl config init` looks at a live cache and writes one',
  );
}

async function validate(context: Context, file: string): Promise<Outcome<ValidateResult>> {
  try {
    const text = await readMapText(file, context.signal);
    const config = parseConfig(text, file);
    const warnings = locate(text, configWarnings({ config, file }));
    for (const line of problemLines(warnings)) context.warn(line);
    return { result: { file, valid: true, counts: countsOf(config), problems: [], warnings } };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { problems } = error;
    return { result: { file, valid: false, counts: null, problems, warnings: [] }, error };
  }
}

function countsOf(config: ConfigFile): ValidateResult['counts'] {
  const namespaces = Object.values(config.namespaces ?? {});
  return {
    namespaces: namespaces.length,
    stateNamespaces: namespaces.filter(({ kind }) => kind === 'state').length,
    patterns: namespaces.flatMap(({ pattern }) => pattern).length,
    guessedTtls: namespaces.filter(({ ttlGuessed }) => ttlGuessed === true).length,
    entities: Object.keys(config.entities ?? {}).length,
    profiles: Object.keys(config.profiles ?? {}).length,
    thresholds: Object.keys(config.thresholds ?? {}).length,
  };
}

function view({ file, counts, warnings }: ValidateResult): Block[] {
  // The message of the failure holds the problems; printed twice they would only be longer.
  if (counts === null) return [];
  const { namespaces, stateNamespaces, patterns, guessedTtls, entities, profiles, thresholds } = counts;
  return [
    {
      kind: 'facts',
      name: 'counts',
      title: file,
      facts: [
        {
          name: 'namespaces',
          label: 'namespaces',
          value: namespaces,
          unit: 'count',
          remark: `${stateNamespaces} of kind state, ${counted(patterns, 'pattern')} in all`,
        },
        { name: 'entities', label: 'entities', value: entities, unit: 'count' },
        { name: 'profiles', label: 'profiles', value: profiles, unit: 'count' },
        { name: 'thresholds', label: 'thresholds', value: thresholds, unit: 'count' },
      ],
    },
    ...(guessedTtls === 0
      ? []
      : [
          note(
            'plain',
            `${guessedRulesText(guessedTtls)}, which \`prune\` does not enforce: ${howToConfirm}`,
          ),
        ]),
    note('good', warnings.length === 0 ? 'valid' : `valid, with ${counted(warnings.length, 'warning')}`),
  ];
}
