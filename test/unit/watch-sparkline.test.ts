import { describe, expect, test } from 'vitest';
import { scaleFromZero, scaleOfChange, sparklineOf } from '../../src/render/sparkline.ts';
import { renderStyledLine } from '../../src/render/styled-line.ts';
import { displayWidth } from '../../src/render/width.ts';

const unicode = { unicode: true };
const scale = { low: 0, high: 7 };

describe('a sparkline', () => {
  test('has a mark for each value, from the lowest to the highest', () => {
    expect(sparklineOf([0, 1, 2, 3, 4, 5, 6, 7], 8, scale, unicode)).toBe('▁▂▃▄▅▆▇█');
    expect(sparklineOf([0, 1, 2, 3, 4, 5, 6, 7], 8, scale, { unicode: false })).toBe('.:-=+*#@');
  });

  test('shows the newest values on the right, and blanks before the first', () => {
    expect(sparklineOf([7, 0], 4, scale, unicode)).toBe('  █▁');
    expect(sparklineOf([7, 7, 7, 0, 7], 2, scale, unicode)).toBe('▁█');
  });

  test('has a blank where nothing is known', () => {
    expect(sparklineOf([7, null, 7], 3, scale, unicode)).toBe('█ █');
  });

  test('never shows something as nothing', () => {
    expect(sparklineOf([0, 0.001, 7], 3, scale, unicode)).toBe('▁▂█');
  });

  test('stays within its scale, and is flat where there is none', () => {
    expect(sparklineOf([-5, 99], 2, scale, unicode)).toBe('▁█');
    expect(sparklineOf([0, 0], 2, scaleFromZero([0, 0]), unicode)).toBe('▁▁');
    expect(sparklineOf([null], 1, scaleOfChange([null]), unicode)).toBe(' ');
  });

  test('is empty where there is no room', () => {
    expect(sparklineOf([1, 2], 0, scale, unicode)).toBe('');
    expect(sparklineOf([1, 2], -3, scale, unicode)).toBe('');
  });
});

describe('a scale', () => {
  test('of change shows a small fall of a high rate, and calls a steady one steady', () => {
    const fall = [0.99, 0.99, 0.9];
    expect(sparklineOf(fall, 3, scaleOfChange(fall), unicode)).toBe('██▂');
    const steady = [0.99, 0.9895, 0.99];
    expect(sparklineOf(steady, 3, scaleOfChange(steady), unicode)).toBe('███');
  });
});

describe('a styled line', () => {
  const style = { colorLevel: 0, unicode: true, width: 10 } as const;

  test('is cut at the width of the screen, also between wide characters', () => {
    const line = { spans: [{ text: 'ab' }, { text: '漢字漢字漢字' }] };
    const text = renderStyledLine(line, style);
    expect(text).toBe('ab漢字漢字');
    expect(displayWidth(renderStyledLine(line, { ...style, width: 9 }))).toBe(8);
  });

  test('escapes what a key would do to the terminal', () => {
    const spans = [{ text: '\x1b[2J\n' }];
    expect(renderStyledLine({ spans }, { ...style, width: 40 })).toBe('\\x1b[2J\\n');
  });

  test('has nothing but ASCII for a terminal that has nothing else', () => {
    const spans = [{ text: 'é漢 µ…' }];
    expect(renderStyledLine({ spans }, { ...style, unicode: false })).toBe('??? u...');
  });

  test('fills the whole width where it is selected', () => {
    const line = { spans: [{ text: 'x' }], selected: true };
    expect(renderStyledLine(line, { ...style, colorLevel: 1 })).toBe('\x1b[7mx         \x1b[27m');
  });
});
