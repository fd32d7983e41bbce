import { expect, test } from 'vitest';
import { lineChartOf } from '../../src/render/line-chart.ts';

const chartOf = (points: Parameters<typeof lineChartOf>[0]['lines'][number]['points']) =>
  lineChartOf({
    ...{ label: 'a chart', lines: [{ name: 'a', points }], xMarks: ['0', '1'], yMarks: ['0', '1'] },
    bandNames: { around: 'interval', instead: 'bounds' },
    marked: { name: 'today', x: 0.5 },
  }).markup;
const places = (markup: string, name: string) =>
  [...markup.matchAll(new RegExp(`class="${name} c-0"\\s+points="([^"]*)"`, 'g'))].map(([, each]) => each);

test('a line has a gap where it is not known, and a point of its own is a dot', () => {
  const markup = chartOf([
    { x: 0, y: 0 },
    { x: 0.25, y: 0.5 },
    { x: 0.5, y: null },
    { x: 1, y: 1 },
  ]);
  expect(places(markup, 'line')).toEqual(['0.0,100.0 25.0,50.0']);
  expect(places(markup, 'line dot')).toEqual(['100.0,0.0 100.0,0.0']);
  expect(markup).not.toContain('polygon');
  expect(markup).not.toMatch(/>(interval|bounds)</);
});

test('intervals are a band around the line, and another in its place up to the points next to it', () => {
  const markup = chartOf([
    { x: 0, y: 0.5, interval: [0.4, 0.6] },
    { x: 0.5, y: 0.5, interval: [0.5, 0.5] },
    { x: 0.75, y: null, interval: [0.2, 0.8] },
    { x: 1, y: null, interval: [0.1, 0.9] },
  ]);
  expect(places(markup, 'around')).toEqual(['0.0,40.0 50.0,50.0 50.0,50.0 0.0,60.0']);
  expect(places(markup, 'instead')).toEqual([
    '50.0,50.0 75.0,20.0 100.0,10.0 100.0,90.0 75.0,80.0 50.0,50.0',
  ]);
  for (const name of ['interval', 'bounds', 'today']) expect(markup).toContain(`>${name}<`);
});
