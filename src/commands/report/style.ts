/** Colors for boxes that differ also for color-blind people (after Okabe and Ito 2008), dark enough for white labels. */
const palette = ['#0b5c8f', '#9a4d00', '#00664d', '#8f3a6b', '#5b5b00', '#40518f', '#8a2f2f', '#3f6212'];

/** Of hits and of the causes of misses. */
const parts = {
  hit: '#2f7d4f',
  expired: '#c77700',
  evicted: '#b3261e',
  invalidated: '#8f3a6b',
  renamed: '#6b7280',
  neverCached: '#40518f',
  goneOrNew: '#7f8fd1',
  unknown: '#9ca3af',
};

/** The same colors for lines and words on a dark page. */
const lightPalette = ['#6cb8e8', '#f0a35e', '#4fc9a4', '#e08bbd', '#c9c94f', '#9db0f5', '#f08f8f', '#9fce6a'];

/** From a moment ago to long ago. */
const ages = ['#2f7d4f', '#5b8f3a', '#a08a00', '#c77700', '#b3521e', '#8a2f2f'];

const lineRules = (colors: readonly string[]) =>
  colors
    .map(
      (color, index) =>
        `.line.c-${index} { stroke: ${color} } .around.c-${index} { fill: ${color} } .legend .c-${index}::before { background: ${color} }`,
    )
    .join('\n');

const colorRules = [
  ...palette.map((color, index) => `.box.c-${index} { fill: ${color} }`),
  lineRules(palette),
  `@media (prefers-color-scheme: dark) {\n${lineRules(lightPalette)}\n}`,
  ...ages.map(
    (color, index) =>
      `rect.part-age-${index} { fill: ${color} } span.part-age-${index}::before { background: ${color} }`,
  ),
  ...Object.entries(parts).map(
    ([name, color]) =>
      `rect.part-${name} { fill: ${color} } span.part-${name}::before { background: ${color} }`,
  ),
].join('\n');

export const style = `
:root { --text: #1c2330; --soft: #566073; --page: #f6f7f9; --card: #ffffff; --line: #d9dee7; --link: #0b5c8f; --good: #1f6b40; --bad: #a3201a; --warning: #8a5200 }
@media (prefers-color-scheme: dark) {
  :root { --text: #e7eaf0; --soft: #a5aebf; --page: #14171d; --card: #1d222b; --line: #363d4a; --link: #8cc4ef; --good: #7fd3a0; --bad: #ff9a92; --warning: #f2bd6b }
}
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 72rem; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif }
h1 { margin: 0; font-size: 1.5rem; overflow-wrap: anywhere }
h2 { margin: 0 0 .5rem; font-size: 1.2rem }
h3 { margin: .75rem 0 .25rem; font-size: 1rem; overflow-wrap: anywhere }
header p, section > p, footer { color: var(--soft) }
header p { margin: .25rem 0 1rem }
section { margin-top: 1.25rem; padding: 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px }
a { color: var(--link) }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(11rem, 45%), 1fr)); gap: .75rem; margin: 0 }
.cards div { padding: .75rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px }
.cards dt { color: var(--soft) }
.cards dd { margin: 0 }
.cards strong { display: block; font-size: 1.6rem; line-height: 1.25 }
.cards span { color: var(--soft); font-size: .87rem }
.findings { margin: 0 0 1rem; padding-left: 1.2rem }
.findings li { margin: .3rem 0 }
.findings li::marker { color: var(--soft) }
.findings .good::marker { color: var(--good) }
.findings .warning::marker { color: var(--warning) }
.findings .bad { color: var(--bad) }
.measures { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 0; padding: 0; border: 0 }
.measures legend { float: left; margin-right: 1rem; padding: 0; color: var(--soft) }
.part { display: none; scroll-margin-top: 1rem }
#part-0, .part:target { display: block }
.parts:has(.part:target) #part-0:not(:target) { display: none }
.by { display: none }
.by-bytes { display: block }
.parts:has(#by-keys:checked) .by-bytes, .parts:has(#by-misses:checked) .by-bytes { display: none }
.parts:has(#by-keys:checked) .by-keys, .parts:has(#by-misses:checked) .by-misses, .parts:has(#by-bytes:checked) .by-bytes { display: block }
.treemap { display: block; margin-top: .5rem; border-radius: 6px; background: var(--line) }
.treemap .box { stroke: var(--card); stroke-width: 2px }
.treemap .c-none { fill: #667085 }
.treemap a:focus-visible { outline: none }
.treemap a:focus-visible .box, .treemap a:hover .box { stroke: var(--text); stroke-width: 6px }
.label { fill: #fff; font-size: 13px }
.label.medium, .label.wide { display: none }
@media (min-width: 760px) { .label.medium { display: inline } }
@media (min-width: 1120px) { .label.wide { display: inline } }
summary { margin-top: .75rem; color: var(--link); cursor: pointer }
.table { overflow-x: auto; margin-top: .75rem; background: linear-gradient(to right, var(--card) 40%, transparent) 0 0 / 2rem 100% no-repeat local, linear-gradient(to left, var(--card) 40%, transparent) 100% 0 / 2rem 100% no-repeat local, linear-gradient(to right, var(--soft), transparent) 0 0 / .3rem 100% no-repeat scroll, linear-gradient(to left, var(--soft), transparent) 100% 0 / .3rem 100% no-repeat scroll }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums }
caption { padding: .25rem 0; text-align: left; font-weight: 600 }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top }
th[scope=row] { font-weight: 400; overflow-wrap: anywhere; min-width: 9rem }
td.words { overflow-wrap: anywhere; min-width: 6rem }
.figure { text-align: right; white-space: nowrap }
thead th { border-bottom-width: 2px; font-weight: 600; color: var(--soft) }
thead button { padding: 0; border: 0; background: none; color: inherit; font: inherit; text-align: inherit; cursor: pointer }
thead th[aria-sort=descending] button::after { content: ' ↓' }
thead th[aria-sort=ascending] button::after { content: ' ↑' }
.bar { display: block; min-width: 4rem; margin-top: .2rem }
.part-share { fill: var(--link) }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 1.5rem }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; font-size: .87rem }
.legend span::before { content: ''; display: inline-block; width: .8em; height: .8em; margin-right: .4em; border-radius: 2px }
@media (max-width: 480px) {
  body { padding: 1rem .5rem 2rem }
  section { padding: .9rem .7rem }
  th, td { padding: .35rem }
  th[scope=row] { min-width: 7.5rem }
  td.words { min-width: 8rem }
  .plot { grid-template-rows: 11rem auto }
}
code { padding: 0 .2em; border-radius: 3px; background: var(--page) }
small { color: var(--soft) }
.chart { margin: .75rem 0 0 }
.plot { display: grid; grid-template: 14rem auto / auto 1fr; gap: .35rem .6rem }
.plot svg { width: 100%; height: 100%; overflow: visible }
.marks-y, .marks-x { display: flex; justify-content: space-between; gap: .5rem; color: var(--soft); font-size: .8rem; line-height: 1 }
.marks-y { flex-direction: column; margin: -.4rem 0; text-align: right; white-space: nowrap }
.marks-x { grid-column: 2; white-space: nowrap; gap: 0 }
.marks-x span { display: flex; justify-content: center; width: 0 }
.marks-x span:first-child { justify-content: start }
.marks-x span:last-child { justify-content: end }
.line { fill: none; stroke-width: 2.5px; stroke-linecap: round; stroke-linejoin: round; vector-effect: non-scaling-stroke }
.dot { stroke-width: 7px }
.grid { stroke: var(--line); vector-effect: non-scaling-stroke }
polygon.around { opacity: .2 }
polygon.instead { fill: var(--soft); fill-opacity: .12; stroke: var(--soft); stroke-dasharray: 5 4; vector-effect: non-scaling-stroke }
line.marked { stroke: var(--text); stroke-width: 1.5px; vector-effect: non-scaling-stroke }
.legend .around::before { background: var(--soft); opacity: .45 }
.legend .instead::before { border: 1px dashed var(--soft) }
.legend .marked::before { width: 2px; border-radius: 0; background: var(--text); vertical-align: -.1em }
.chart .legend { margin-top: .5rem; overflow-wrap: anywhere }
.spread { display: block; width: 100%; min-width: 7rem; height: 1.6rem; fill: var(--link) }
${colorRules}
@media print {
  :root { --page: #fff; --card: #fff; --text: #000; --soft: #333; --line: #bbb }
  section { break-inside: avoid-page; border: 0; padding: 0 }
  .measures, .out { display: none }
  .treemap { print-color-adjust: exact; -webkit-print-color-adjust: exact }
}
`;
