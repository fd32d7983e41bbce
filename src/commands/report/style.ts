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
  unknown: '#9ca3af',
};

const colorRules = [
  ...palette.map(
    (color, index) => `.box.c-${index} { fill: ${color} } .line.c-${index} { stroke: ${color} }`,
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
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .75rem; margin: 0 }
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
.table { overflow-x: auto; margin-top: .75rem }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums }
caption { padding: .25rem 0; text-align: left; font-weight: 600 }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top }
th[scope=row] { font-weight: 400; overflow-wrap: anywhere; min-width: 9rem }
td.words { overflow-wrap: anywhere; min-width: 6rem }
.figure { text-align: right; white-space: nowrap }
thead th { border-bottom-width: 2px; font-weight: 600; color: var(--soft) }
thead button { padding: 0; border: 0; background: none; color: inherit; font: inherit; cursor: pointer }
thead th[aria-sort=descending] button::after { content: ' ↓' }
thead th[aria-sort=ascending] button::after { content: ' ↑' }
.bar { display: block; min-width: 4rem; margin-top: .2rem }
.part-share { fill: var(--link) }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 1.5rem }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; font-size: .87rem }
.legend span::before { content: ''; display: inline-block; width: .8em; height: .8em; margin-right: .4em; border-radius: 2px }
code { padding: 0 .2em; border-radius: 3px; background: var(--page) }
small { color: var(--soft) }
.curve { width: 100%; height: auto }
.line { fill: none; stroke-width: 2.5px }
.mark { fill: var(--soft); font-size: 12px; text-anchor: middle }
${colorRules}
@media print {
  :root { --page: #fff; --card: #fff; --text: #000; --soft: #333; --line: #bbb }
  section { break-inside: avoid-page; border: 0; padding: 0 }
  .measures, .out { display: none }
  .treemap { print-color-adjust: exact; -webkit-print-color-adjust: exact }
}
`;
