import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FileFault } from '../../src/records/fixtures/record.ts';
import {
  ElementSplitter,
  type JsonPiece,
  LineSplitter,
  type Splitter,
} from '../../src/records/fixtures/split.ts';
import { rounds } from '../server/effort.ts';

/** Feeds the text in chunks that end at the given places, each in a buffer that is reused, as a reader of files does. */
function splitAt(splitter: Splitter, text: string, cuts: readonly number[]): JsonPiece[] {
  const bytes = Buffer.from(text, 'utf8');
  const buffer = Buffer.alloc(bytes.length);
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort(
    (left, right) => left - right,
  );
  const pieces: JsonPiece[] = [];
  let start = 0;
  for (const end of ends) {
    buffer.fill(0);
    bytes.copy(buffer, 0, start, end);
    pieces.push(...splitter.push(buffer.subarray(0, end - start)));
    start = end;
  }
  return [...pieces, ...splitter.end()];
}

const parse = ({ text }: JsonPiece): unknown => JSON.parse(Buffer.from(text, 'latin1').toString('utf8'));

/** Strings that look like JSON from the inside. */
const trap = fc.string({
  unit: fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"',
    '\\',
    ',',
    ':',
    '\n',
    '\r',
    '\t',
    ' ',
    'a',
    'ř',
    '€',
    '😀',
    '\u0001',
  ),
});
const json = fc.jsonValue({ maxDepth: 4, stringUnit: 'grapheme', noUnicodeString: false } as object);
const value = fc.oneof(json, trap, fc.array(trap), fc.dictionary(trap, trap));
const cuts = fc.array(fc.nat(5000), { maxLength: 12 });
const indent = fc.constantFrom(undefined, 1, 4, '\t');

describe('an array', () => {
  test('falls into the elements that JSON.parse sees, wherever its chunks end', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 8 }), indent, cuts, (elements, space, places) => {
        const pieces = splitAt(new ElementSplitter(), JSON.stringify(elements, null, space), places);
        expect(pieces.map(parse)).toEqual(JSON.parse(JSON.stringify(elements)));
      }),
      { numRuns: rounds(500) },
    );
  });

  test('tells the line in which each element starts', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 6 }), cuts, (elements, places) => {
        const text = JSON.stringify(elements, null, 2);
        const pieces = splitAt(new ElementSplitter(), text, places);
        const lines = text.split('\n');
        for (const { text: piece, line } of pieces) {
          const [firstLine = ''] = Buffer.from(piece, 'latin1').toString('utf8').split('\n');
          expect(lines[line - 1]).toContain(firstLine);
        }
        const lengths = elements.map((element) => JSON.stringify(element, null, 2).split('\n').length);
        const expected = lengths.map(
          (_, index) => 2 + lengths.slice(0, index).reduce((sum, each) => sum + each, 0),
        );
        expect(pieces.map(({ line }) => line)).toEqual(expected);
      }),
    );
  });

  test('without elements has none', () => {
    expect(splitAt(new ElementSplitter(), '[ \n ]\n', [])).toEqual([]);
  });

  test('with a comma too many has a piece without text there', () => {
    expect(splitAt(new ElementSplitter(), '[1,\n,2,\n]', [])).toEqual([
      { text: '1', line: 1 },
      { text: '', line: 2 },
      { text: '2', line: 2 },
      { text: '', line: 3 },
    ]);
  });

  test('keeps what is wrong with one element from the others', () => {
    const pieces = splitAt(new ElementSplitter(), '[{"a": 1], 2, {"b" 3}]', []);
    expect(pieces.map(({ text }) => text.trim())).toEqual(['{"a": 1]', '2', '{"b" 3}']);
  });
});

describe('an object', () => {
  test('falls into its members, wherever its chunks end', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.oneof(trap, fc.string()), value, { maxKeys: 8 }),
        indent,
        cuts,
        (object, space, places) => {
          const pieces = splitAt(new ElementSplitter(), JSON.stringify(object, null, space), places);
          const members = pieces.map(({ text }) => parse({ text: `{${text}}`, line: 0 }));
          expect(members).toEqual(
            Object.entries(object).map(
              ([name, each]) => JSON.parse(JSON.stringify({ [name]: each })) as unknown,
            ),
          );
        },
      ),
    );
  });
});

describe('a file that cannot be split', () => {
  const faultOf = (text: string): { line: number; message: string } => {
    try {
      splitAt(new ElementSplitter(), text, []);
    } catch (error) {
      if (error instanceof FileFault) return { line: error.line, message: error.message };
      throw error;
    }
    throw new Error('no fault was found');
  };

  test('because it ends too early names the line of the piece that is not complete', () => {
    expect(faultOf('[\n{"a": 1},\n{"b":\n')).toEqual({
      line: 3,
      message: 'the array that begins in line 1 is not closed',
    });
    expect(faultOf('{\n"a": 1')).toEqual({
      line: 2,
      message: 'the object that begins in line 1 is not closed',
    });
  });

  test('because something follows names the line of that', () => {
    expect(faultOf('[1]\n\n[2]')).toEqual({ line: 3, message: 'more follows after the end in line 1' });
  });

  test('because the wrong bracket closes it says so', () => {
    expect(faultOf('[\n1\n}')).toEqual({ line: 3, message: '`}` closes what `[` has opened in line 1' });
  });

  test('because brackets are left open without end says so, and does not run out of stack', () => {
    expect(faultOf(`[\n${'['.repeat(2_000_000)}`)).toEqual({
      line: 2,
      message: 'the array that begins in line 1 is not closed',
    });
  });

  test('because a quote is left open says so before it has filled the memory', () => {
    const splitter = new ElementSplitter();
    splitter.push(Buffer.from('[\n"'));
    const filler = Buffer.alloc(2 ** 25, 0x61);
    const feed = () => {
      for (let round = 0; round < 5; round++) splitter.push(filler);
    };
    expect(feed).toThrow('the record that begins here is longer than 128 MiB');
  });
});

describe('lines', () => {
  test('come out as they went in, wherever the chunks end, and without those that are blank', () => {
    const line = fc.oneof(fc.constantFrom('', ' ', '\t'), fc.string(), fc.constant('{"a":"ř"}'));
    const lines = fc.array(
      line.map((text) => text.replace(/[\r\n]/g, '')),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(lines, fc.constantFrom('\n', '\r\n'), fc.boolean(), cuts, (texts, end, closed, places) => {
        const text = texts.join(end) + (closed ? end : '');
        const found = splitAt(new LineSplitter(), text, places).map(({ text: piece, line: number }) => [
          Buffer.from(piece, 'latin1').toString('utf8').trimEnd(),
          number,
        ]);
        const expected = texts
          .map((each, index) => [each.trimEnd(), index + 1])
          .filter(([each]) => each !== '');
        expect(found.filter(([each]) => each !== '')).toEqual(expected);
        expect(found.length).toBe(expected.length);
      }),
    );
  });
});
