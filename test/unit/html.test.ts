import fc from 'fast-check';
import { expect, test } from 'vitest';
import { html } from '../../src/render/html.ts';
import { treemapOf } from '../../src/render/treemap.ts';

test.each([
  ['</script><script>alert(1)</script>', '&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;'],
  [`" onload='x' & more`, '&quot; onload=&#39;x&#39; &amp; more'],
  ['a\u202eb\u2028c\x1b[41m', 'a\\u202eb\\u2028c\\x1b[41m'],
])('what is put into markup is text: %j', (text, expected) => {
  expect(html`<p title="${text}">${text}</p>`.markup).toBe(`<p title="${expected}">${expected}</p>`);
});

test('lists are put in one after the other, and null as nothing', () => {
  const list = [1, 2].map((each) => html`<li>${each}</li>`);
  expect(html`<p>${list}${null}</p>`.markup).toBe('<p><li>1</li><li>2</li></p>');
});

test('no text makes an element or leaves its attribute', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(html`${text}`.markup).not.toMatch(/[<>"']|&(?!(amp|lt|gt|quot|#39);)/);
    }),
  );
});

test('boxes of a treemap cover the picture, each by its share', () => {
  const sizes = [50, 30, 15, 5];
  const boxes = sizes.map((size, index) => ({
    ...{ name: `box ${index}`, text: String(size), size, parts: [], color: index, href: null },
  }));
  const { markup } = treemapOf(boxes, 'sizes');
  const areas = [
    ...markup.matchAll(/width="([\d.]+)%"\s+height="([\d.]+)%">\s*<rect class="box c-(\d)"/g),
  ].map(([, width, height, color]) => [Number(color), (Number(width) * Number(height)) / 100] as const);
  expect(areas.map(([color]) => color).sort()).toEqual([0, 1, 2, 3]);
  for (const [color, area] of areas) expect(area).toBeCloseTo(sizes[color] ?? 0, 1);
});
