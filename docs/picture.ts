import { readFileSync } from 'node:fs';
import { viewHits } from '../src/commands/hits/view.ts';
import type { HitsResult } from '../src/commands/hits/result.ts';
import { renderTerminal } from '../src/render/terminal-text.ts';

/**
 * Prints docs/hits.svg: what `cachectl hits` shows of docs/hits.json, a result of
 * `cachectl sandbox --system honzik --fault short-ttl -- hits --for 5s -o json`. The figures are those of that run, the form is today's.
 */
const width = 96;
const [columnWidth, lineHeight, fontSize, padding] = [8.4, 18, 14, 16];
const background = '#1b1e23';
const colors: Readonly<Record<number, string>> = {
  ...{
    31: '#f07178',
    32: '#8fce6b',
    33: '#f2c55c',
    34: '#6cb6ff',
    35: '#d3a4f4',
    36: '#62cdd6',
    90: '#8b929c',
  },
};

const result = JSON.parse(readFileSync(new URL('hits.json', import.meta.url), 'utf8')) as HitsResult;
const blocks = viewHits(result, { limit: 8, keys: 3 }, { isPerson: true }).filter(
  (block) => block.kind !== 'note' || block.isCost !== true,
);
const text = `\u001b[1m$ cachectl hits --for 5s\u001b[22m\n${renderTerminal(blocks, { colorLevel: 1, unicode: true, width })}`;
process.stdout.write(pictureOf(text.trimEnd().split('\n')));

function pictureOf(lines: readonly string[]): string {
  const wide = Math.ceil(width * columnWidth) + 2 * padding;
  const high = lines.length * lineHeight + 2 * padding;
  const pen = { bold: false, dim: false, color: '' };
  const drawn = lines.map((line, index) => {
    const y = padding + (index + 0.75) * lineHeight;
    return `<text x="${padding}" y="${y}" xml:space="preserve">${spansOf(line, pen)}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${wide} ${high}" width="${wide}" height="${high}" role="img">`,
    '<title>cachectl hits</title>',
    `<rect width="100%" height="100%" rx="8" fill="${background}"/>`,
    `<g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="${fontSize}" fill="#d7dae0">`,
    ...drawn,
    '</g>\n</svg>\n',
  ].join('\n');
}

/** A line with its escape sequences for bold, dim and colors, in which the pen goes on from line to line. */
function spansOf(line: string, pen: { bold: boolean; dim: boolean; color: string }): string {
  return line
    .split(/(\u001b\[\d+m)/)
    .map((part) => {
      const code = /^\u001b\[(\d+)m$/.exec(part)?.[1];
      if (code === undefined) return part && spanOf(part, pen);
      setPen(pen, Number(code));
      return '';
    })
    .join('');
}

function setPen(pen: { bold: boolean; dim: boolean; color: string }, code: number): void {
  if (code === 22 || code === 0) pen.bold = pen.dim = false;
  if (code === 39 || code === 0) pen.color = '';
  if (code === 1) pen.bold = true;
  if (code === 2) pen.dim = true;
  if (colors[code] !== undefined) pen.color = colors[code];
}

function spanOf(part: string, { bold, dim, color }: { bold: boolean; dim: boolean; color: string }): string {
  const escaped = part.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
  const style = `${bold ? ' font-weight="bold"' : ''}${color && ` fill="${color}"`}${dim ? ' opacity="0.6"' : ''}`;
  return style === '' ? escaped : `<tspan${style}>${escaped}</tspan>`;
}
