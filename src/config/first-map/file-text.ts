import type { ConfigFile } from '../schema.ts';

export interface FileTextOptions {
  /** Lines above everything. */
  readonly header: readonly string[];
  /** Lines above a namespace, by its name. */
  readonly comments: ReadonlyMap<string, readonly string[]>;
  /** Where editors find the schema, relative to the file. */
  readonly schema: string | undefined;
}

const width = 110;

/** The map as a file for people: with comments, and each entry on one line where it fits. */
export function configFileText(config: ConfigFile, { header, comments, schema }: FileTextOptions): string {
  const { defaultProfile, profiles, delimiters, namespaces, entities } = config;
  const parts = [
    ...(schema === undefined ? [] : [`"$schema": ${JSON.stringify(schema)}`]),
    ...(defaultProfile === undefined ? [] : [`"defaultProfile": ${JSON.stringify(defaultProfile)}`]),
    ...(delimiters === undefined ? [] : [`"delimiters": ${inline(delimiters)}`]),
    section('profiles', profiles, new Map()),
    section('namespaces', namespaces, comments),
    ...(entities === undefined ? [] : [section('entities', entities, new Map())]),
  ];
  return [...header.map((line) => `// ${line}`.trimEnd()), '{', ...indented(parts.join(',\n')), '}', ''].join(
    '\n',
  );
}

function section(
  name: string,
  entries: Readonly<Record<string, object>> | undefined,
  comments: ReadonlyMap<string, readonly string[]>,
): string {
  const lines = Object.entries(entries ?? {}).flatMap(([key, value], index, all) => [
    ...(comments.get(key) ?? []).map((comment) => `// ${comment}`),
    `${JSON.stringify(key)}: ${entryText(key, value)}${index < all.length - 1 ? ',' : ''}`,
  ]);
  return [`"${name}": {`, ...indented(lines.join('\n')), '}'].join('\n');
}

function entryText(key: string, value: object): string {
  const line = inline(value);
  if (fits(key, line, 4)) return line;
  const fields = Object.entries(value).map(([name, field]: [string, unknown]) => {
    const short = inline(field);
    return `  "${name}": ${fits(name, short, 6) ? short : JSON.stringify(field, null, 2).replaceAll('\n', '\n  ')}`;
  });
  return `{\n${fields.join(',\n')}\n}`;
}

function fits(name: string, text: string, indent: number): boolean {
  return indent + name.length + '"": ,'.length + text.length <= width;
}

/** `{ "min": "30s", "max": "1h" }` on one line. */
function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([name, field]) => `${JSON.stringify(name)}: ${inline(field)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

function indented(text: string): string[] {
  return text.split('\n').map((line) => `  ${line}`);
}
