import { readFileSync } from 'node:fs';
import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { ConfigError, type ConfigProblem } from './errors.ts';
import { type ConfigFile, configSchema } from './schema.ts';

export interface LoadedConfig {
  readonly file: string;
  readonly config: ConfigFile;
}

/** Reads and validates a map. Comments and trailing commas are allowed. @throws ConfigError */
export function loadConfig(file: string): LoadedConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/,.*$/, '') : String(error);
    throw new ConfigError(file, [{ path: '', line: 1, column: 1, message: `cannot be read (${reason})` }]);
  }
  return { file, config: parseConfig(text, file) };
}

/** Validates the text of a map. `file` is for messages. @throws ConfigError */
export function parseConfig(text: string, file: string): ConfigFile {
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first !== undefined || tree === undefined) {
    const what = first
      ? printParseErrorCode(first.error)
          .replace(/([a-z])([A-Z])/g, '$1 $2')
          .toLowerCase()
      : 'empty file';
    throw new ConfigError(file, [
      { path: '', ...positionOf(text, first?.offset ?? 0), message: `not JSON: ${what}` },
    ]);
  }
  const result = configSchema.safeParse(valueOf(tree));
  const problemAt = (path: readonly PropertyKey[], message: string): ConfigProblem => {
    const node = nearestNode(
      tree,
      path.map((step) => (typeof step === 'symbol' ? String(step) : step)),
    );
    return { path: path.map(String).join('.'), ...positionOf(text, node.offset), message };
  };
  if (!result.success) {
    throw new ConfigError(
      file,
      result.error.issues.flatMap((issue) =>
        issue.code === 'unrecognized_keys'
          ? issue.keys.map((key) => problemAt([...issue.path, key], 'is not a known field'))
          : [problemAt(issue.path, messageOf(issue))],
      ),
    );
  }
  const crossed = crossCheck(result.data).map(({ path, message }) => problemAt(path, message));
  if (crossed.length > 0) throw new ConfigError(file, crossed);
  return result.data;
}

/** A union reports each branch; the branch that fits the value's own shape has the message worth reading. */
function messageOf(issue: {
  code: string;
  message: string;
  errors?: readonly (readonly { code: string; message: string }[])[];
}): string {
  const specific = issue.errors?.flat().find((inner) => inner.code === 'custom');
  return specific?.message ?? issue.message.replace(/^Invalid input: /, '');
}

/** What a schema cannot say: names that must exist, and placeholders that must be there. */
function crossCheck(config: ConfigFile): { path: string[]; message: string }[] {
  const problems: { path: string[]; message: string }[] = [];
  const known = Object.keys(config.namespaces ?? {});
  for (const [name, entity] of Object.entries(config.entities ?? {})) {
    entity.patterns.forEach((pattern, index) => {
      if (!pattern.includes('<id>')) {
        problems.push({
          path: ['entities', name, 'patterns', String(index)],
          message: `\`${pattern}\` has no <id>: it would remove the keys of every ${name}`,
        });
      }
    });
    entity.hashedIn?.forEach((namespace, index) => {
      if (!known.includes(namespace)) {
        problems.push({
          path: ['entities', name, 'hashedIn', String(index)],
          message: `there is no namespace \`${namespace}\``,
        });
      }
    });
  }
  const profiles = Object.keys(config.profiles ?? {});
  if (config.defaultProfile !== undefined && !profiles.includes(config.defaultProfile)) {
    problems.push({ path: ['defaultProfile'], message: `there is no profile \`${config.defaultProfile}\`` });
  }
  return problems;
}

function valueOf(node: Node): unknown {
  if (node.type === 'array') return (node.children ?? []).map(valueOf);
  if (node.type === 'object') {
    return Object.fromEntries(
      (node.children ?? []).map((property) => {
        const [key, value] = property.children ?? [];
        return [String(key?.value), value === undefined ? undefined : valueOf(value)];
      }),
    );
  }
  return node.value;
}

function nearestNode(tree: Node, path: readonly (string | number)[]): Node {
  for (let length = path.length; length > 0; length--) {
    const steps = path
      .slice(0, length)
      .map((step) => (typeof step === 'string' && /^\d+$/.test(step) ? Number(step) : step));
    const node = findNodeAtLocation(tree, steps) ?? findNodeAtLocation(tree, path.slice(0, length));
    if (node) return node;
  }
  return tree;
}

function positionOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
