import { type JSONVisitor, parse, printParseErrorCode, visit } from 'jsonc-parser';
import { ConfigError, type ConfigProblem } from './find.ts';
import { statSync, readFileSync } from 'node:fs';

/** A part of a map, with what there is to say of it. */
export interface LocatedRemark {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** The place is that of its name, and not of its value. */
  readonly atName?: true;
}

interface Wanted {
  readonly children: Map<string, Wanted>;
  name?: Pick<ConfigProblem, 'line' | 'column'>;
  value?: Pick<ConfigProblem, 'line' | 'column'>;
}

/** The remarks with their places in a JSON text, in one pass; what is not there has the place of its nearest parent. */
export function locate(text: string, remarks: readonly LocatedRemark[]): ConfigProblem[] {
  if (remarks.length === 0) return [];
  const root: Wanted = { children: new Map() };
  const chains = remarks.map(({ path }) => {
    const chain = [root];
    for (const step of path.map(String)) {
      const { children } = chain.at(-1) ?? root;
      const next: Wanted = children.get(step) ?? { children: new Map() };
      children.set(step, next);
      chain.push(next);
    }
    return chain;
  });
  const wantedAt = (path: readonly (string | number)[]) =>
    path.reduce<Wanted | undefined>((node, step) => node?.children.get(String(step)), root);
  const onValue: NonNullable<JSONVisitor['onArrayBegin']> = (_offset, _length, line, column, pathOf) => {
    const wanted = wantedAt(pathOf());
    if (wanted !== undefined) wanted.value = { line: line + 1, column: column + 1 };
  };
  visit(
    text,
    {
      onObjectBegin: onValue,
      onArrayBegin: onValue,
      onLiteralValue: (_value, ...rest) => onValue(...rest),
      onObjectProperty: (name, _offset, _length, line, column, pathOf) => {
        const wanted = wantedAt(pathOf())?.children.get(name);
        if (wanted !== undefined) wanted.name = { line: line + 1, column: column + 1 };
      },
    },
    { allowTrailingComma: true },
  );
  return remarks.map(({ path, message, atName }, index) => {
    const found = chains[index]?.findLast(({ value }) => value !== undefined);
    const place = (atName === true ? found?.name : found?.value) ?? { line: 1, column: 1 };
    return { path: path.map(String).join('.'), ...place, message };
  });
}

/** A map has four levels; a parser that goes down step by step needs an end. */
const deepestNesting = 100;

/**
 * The value of a JSON text, where comments and trailing commas are allowed.
 * @throws ConfigError where the text is no JSON, and for fields that would be silently missing from the value
 */
export function readJson(text: string, file: string): unknown {
  const lost: ConfigProblem[] = [];
  const root: { value?: unknown } = {};
  const open: { readonly container: Record<string, unknown> | unknown[]; name: string }[] = [];
  const place = (value: unknown) => {
    const last = open.at(-1);
    if (last === undefined) root.value = value;
    else if (Array.isArray(last.container)) last.container.push(value);
    else last.container[last.name] = value;
  };
  const begin = (container: Record<string, unknown> | unknown[], line: number, column: number) => {
    if (open.length === deepestNesting)
      throw notJson(file, line, column, `is nested deeper than ${deepestNesting} levels`);
    place(container);
    open.push({ container, name: '' });
  };
  const end = () => void open.pop();
  visit(
    text,
    {
      onObjectBegin: (_offset, _length, line, column) => begin({}, line, column),
      onArrayBegin: (_offset, _length, line, column) => begin([], line, column),
      onObjectEnd: end,
      onArrayEnd: end,
      onLiteralValue: place,
      onObjectProperty: (name, _offset, _length, line, column, pathOf) => {
        const last = open.at(-1);
        if (last === undefined) return;
        const message = Object.hasOwn(last.container, name)
          ? 'is given twice; the second would silently replace the first'
          : name === '__proto__'
            ? 'is a name that nothing can have; use another'
            : null;
        if (message !== null)
          lost.push({ path: [...pathOf(), name].join('.'), line: line + 1, column: column + 1, message });
        last.name = name;
      },
      onError: (error, _offset, _length, line, column) => {
        const what =
          text.trim() === ''
            ? 'the file is empty'
            : printParseErrorCode(error)
                .replace(/([a-z])([A-Z])/g, '$1 $2')
                .toLowerCase();
        throw notJson(file, line, column, `not JSON: ${what}`);
      },
    },
    { allowTrailingComma: true },
  );
  if (lost.length > 0) throw new ConfigError(file, lost);
  return root.value;
}

/** @param line counted from 0, and so `column` */
function notJson(file: string, line: number, column: number, message: string): ConfigError {
  return new ConfigError(file, [{ path: '', line: line + 1, column: column + 1, message }]);
}

/** The names that a map gives to things, each with a few words about it. */
export type MapNames = Readonly<
  Record<
    'profile' | 'namespace' | 'entity',
    readonly { readonly name: string; readonly description: string }[]
  >
>;

/**
 * Reads the names alone, without validating: a map with a mistake in it still gives its names, and no validator is
 * loaded, which matters at a shell's TAB. An unreadable file gives none, nor does a pipe, for which a TAB would wait.
 */
export function readMapNames(file: string | null): MapNames {
  let map: unknown = {};
  try {
    if (file !== null && statSync(file).isFile())
      map = parse(readFileSync(file, 'utf8'), [], { allowTrailingComma: true });
  } catch {
    // Unreadable, or nested so deep that the parser does not come back.
  }
  const entries = (field: string, describe: (entry: Readonly<Record<string, unknown>>) => string) =>
    Object.entries(recordOf(recordOf(map)?.[field]) ?? {}).map(([name, entry]) => ({
      name,
      description: describe(recordOf(entry) ?? {}),
    }));
  return {
    // A URL may hold a password, so a profile is described by its protections only.
    profile: entries('profiles', (entry) =>
      ['protected', 'readOnly'].filter((flag) => entry[flag] === true).join(', '),
    ),
    namespace: entries('namespaces', ({ pattern }) => [pattern].flat().join(' ')),
    entity: entries('entities', ({ patterns }) => [patterns].flat().join(' ')),
  };
}

/** Null for what is no object. */
export function recordOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}
