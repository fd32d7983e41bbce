export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  /** The character data directly inside, as it is after entities are resolved. */
  readonly text: string;
}

const nameText = '[A-Za-z_][\\w.-]*';
const validCharacters = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;

/**
 * A small and strict reader of XML 1.0 documents without DTD, comments, CDATA and processing instructions.
 * @throws Error for anything that is not well-formed
 */
export function parseXml(document: string): Element {
  if (!validCharacters.test(document)) throw new Error('a character that XML cannot hold');
  const declaration = /^<\?xml version="1\.0" encoding="UTF-8"\?>\n/.exec(document)?.[0];
  if (declaration === undefined) throw new Error('no XML declaration');
  const root: Element = { name: '', attributes: {}, children: [], text: '' };
  const open: { element: Element; text: string }[] = [{ element: root, text: '' }];
  const token = new RegExp(`<(/?)(${nameText})((?:\\s+${nameText}="[^"<]*")*)\\s*(/?)>|([^<]+)`, 'y');
  token.lastIndex = declaration.length;
  while (token.lastIndex < document.length) {
    const at = token.lastIndex;
    const match = token.exec(document);
    if (match === null) throw new Error(`not well-formed at ${at}: ${document.slice(at, at + 40)}`);
    const [, closing, name = '', attributes = '', empty, text] = match;
    const current = open.at(-1);
    if (current === undefined) throw new Error('text behind the root');
    if (text !== undefined) {
      current.text += unescapeXml(text);
    } else if (closing === '/') {
      if (current.element.name !== name) throw new Error(`</${name}> closes <${current.element.name}>`);
      Object.assign(current.element, { text: current.text });
      open.pop();
    } else {
      const element: Element = { name, attributes: attributesOf(attributes), children: [], text: '' };
      current.element.children.push(element);
      if (empty !== '/') open.push({ element, text: '' });
    }
  }
  const [only] = root.children;
  if (open.length !== 1 || root.children.length !== 1 || only === undefined) throw new Error('not one root');
  return only;
}

function attributesOf(source: string): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [, name = '', value = ''] of source.matchAll(new RegExp(`(${nameText})="([^"]*)"`, 'g'))) {
    if (Object.hasOwn(attributes, name)) throw new Error(`attribute ${name} stands twice`);
    // A reader makes a space of each line feed and tab that is not escaped.
    attributes[name] = unescapeXml(value.replace(/[\n\r\t]/g, ' '));
  }
  return attributes;
}

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&([^;&]*;?)/g, (_, reference: string) => {
    const number = /^#(\d+);$/.exec(reference)?.[1];
    const character =
      number === undefined ? named[reference.replace(/;$/, '')] : String.fromCodePoint(Number(number));
    if (!reference.endsWith(';') || character === undefined || !validCharacters.test(character)) {
      throw new Error(`&${reference} is no reference`);
    }
    return character;
  });
}
