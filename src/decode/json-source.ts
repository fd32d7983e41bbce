/** The tokens of a valid JSON text: brackets, `,` and `:`, texts with their quotes, and numbers or words. */
function* tokensOf(json: string): Generator<string> {
  let at = 0;
  while (at < json.length) {
    const character = json.charAt(at);
    const start = at++;
    if (/\s/.test(character)) continue;
    if (character === '"') {
      // Not by a regular expression: one text may be many megabytes.
      while (at < json.length && json.charAt(at) !== '"') at += json.charAt(at) === '\\' ? 2 : 1;
      at++;
    } else if (!'[]{},:'.includes(character)) {
      while (at < json.length && !' \t\r\n[]{},:"'.includes(json.charAt(at))) at++;
    }
    yield json.slice(start, at);
  }
}

/** True where a number of the JSON text has more digits than a double keeps, such as a 64-bit id. */
export function losesDigits(json: string): boolean {
  if (!/\d{8}[\d.]{8}/.test(json)) return false;
  for (const token of tokensOf(json)) {
    if (token.length < 16 || !/^[-\d]/.test(token)) continue;
    if (significant(token) !== significant(String(Number(token)))) return true;
  }
  return false;
}

/** The digits that count, whatever the exponent: equal for `1.50`, `1.5` and `15e-1`. */
function significant(number: string): string {
  return number
    .replace(/e.*$/i, '')
    .replace(/[-.]/g, '')
    .replace(/^0+|0+$/g, '');
}

/** The JSON text with two spaces for each level and every token as it was: what parsing and printing would not keep. */
export function layOutJson(json: string): string {
  const laidOut: string[] = [];
  let level = 0;
  let before = '';
  const breakLine = () => `\n${'  '.repeat(level)}`;
  for (const token of tokensOf(json)) {
    const closes = token === ']' || token === '}';
    const opened = before === '[' || before === '{';
    if (closes) level--;
    if (opened !== closes || before === ',') laidOut.push(breakLine());
    laidOut.push(token === ':' ? ': ' : token);
    if (token === '[' || token === '{') level++;
    before = token;
  }
  return laidOut.join('');
}
