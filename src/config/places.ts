import { type Node, parse, parseTree, printParseErrorCode, visit } from 'jsonc-parser';
import { ConfigError, type ConfigProblem } from './find.ts';
import { statSync, readFileSync } from 'fs';

/** Where something stands in a text; line and column count from 1. */
interface Position {
  readonly line: number;
  readonly column: number;
}

/** Finds parts of a JSON text by their paths, and their places; a map may hold a hundred thousand of them. */
export class Places {
  private readonly lineStarts: readonly number[];
  private readonly children = new Map<Node, ReadonlyMap<string, Node>>();
  private readonly tree: Node;

  /** @param text of a value that was read. */
  constructor(text: string) {
    this.lineStarts = lineStartsOf(text);
    this.tree = parseTree(text, [], { allowTrailingComma: true }) ?? { type: 'null', offset: 0, length: 0 };
  }

  positionOf(offset: number): Position {
    let low = 0;
    let high = this.lineStarts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - (this.lineStarts[low] ?? 0) + 1 };
  }

  /** What stands at the path, or its nearest parent that is there. */
  nearestNode(path: readonly string[]): Node {
    let node = this.tree;
    for (const step of path) {
      const child = this.childOf(node, step);
      if (child === undefined) return node;
      node = child;
    }
    return node;
  }

  nodeAt(path: readonly string[]): Node | undefined {
    let node: Node | undefined = this.tree;
    for (const step of path) node = node && this.childOf(node, step);
    return node;
  }

  private childOf(node: Node, step: string): Node | undefined {
    let children = this.children.get(node);
    if (children === undefined) {
      children = new Map(namedChildren(node));
      this.children.set(node, children);
    }
    return children.get(step);
  }
}

function namedChildren({ type, children = [] }: Node): [name: string, child: Node][] {
  if (type === 'array') return children.map((child, index) => [String(index), child]);
  return children.flatMap(({ children: [key, value] = [] }): [string, Node][] =>
    key === undefined || value === undefined ? [] : [[String(key.value), value]],
  );
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

function lineStartsOf(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** The names that a map gives to things, each with a few words about it. */
export interface MapNames {
  readonly profile: readonly NamedEntry[];
  readonly namespace: readonly NamedEntry[];
  readonly entity: readonly NamedEntry[];
}

export interface NamedEntry {
  readonly name: string;
  readonly description: string;
}

/**
 * Reads the names alone, without validating: a map with a mistake in it still gives its names, and no validator is
 * loaded, which matters at a shell's TAB. An unreadable file gives none, nor does a pipe, for which a TAB would wait.
 */
export function readMapNames(file: string): MapNames {
  let map: unknown = {};
  try {
    if (statSync(file).isFile()) map = parse(readFileSync(file, 'utf8'), [], { allowTrailingComma: true });
  } catch {
    // Unreadable, or nested so deep that the parser does not come back.
  }
  return {
    // A URL may hold a password, so a profile is described by its protections only.
    profile: entriesOf(map, 'profiles', (entry) =>
      ['protected', 'readOnly'].filter((flag) => entry[flag] === true).join(', '),
    ),
    namespace: entriesOf(map, 'namespaces', (entry) => [entry['pattern']].flat().join(' ')),
    entity: entriesOf(map, 'entities', (entry) => [entry['patterns']].flat().join(' ')),
  };
}

function entriesOf(
  map: unknown,
  field: string,
  describe: (entry: Readonly<Record<string, unknown>>) => string,
): NamedEntry[] {
  return Object.entries(recordOf(recordOf(map)[field])).map(([name, entry]) => ({
    name,
    description: describe(recordOf(entry)),
  }));
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}
