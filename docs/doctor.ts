import { format, resolveConfig } from 'prettier';
import { doctorRules } from '../src/health/doctor/diagnose.ts';
import type { Rule } from '../src/health/doctor/rule.ts';

/** Prints docs/doctor.md: the rules are those of the program. */
const groups: readonly (readonly [heading: string, start: string, about: string])[] = [
  ['The server', 'CC1', 'From INFO, CONFIG GET, LATENCY LATEST and CLIENT LIST.'],
  [
    'Keys',
    'CC2',
    'From one walk over the keys, as `inspect` makes it; `--no-keys` leaves it out. CC211 takes an LFU policy, or `--hits 30s`. ' +
      'CC204 says nothing of keys that the map has end at midnight; where the map has no rule, those are a notice.',
  ],
  ['Traffic', 'CC3', 'CC302 to CC309 take `--hits 30s`, which observes as `hits` does.'],
  ['Users', 'CC4', 'From ACL GETUSER, ACL DRYRUN and CLIENT LIST.'],
];

const cell = (text: string) => text.replaceAll('|', '\\|');
const rowOf = ({ number, id, severity, question, remedy, source }: Rule) =>
  `| [${number}](${source}) | \`${id}\` | ${severity} | ${cell(question)} | ${cell(remedy)} |`;

const sections = groups.map(([heading, start, about]) => {
  const rows = doctorRules.filter(({ number }) => number.startsWith(start)).map(rowOf);
  return `## ${heading}\n\n${about}\n\n| rule | name | severity | question | remedy |\n| --- | --- | --- | --- | --- |\n${rows.join('\n')}\n`;
});

const text = `# What is wrong with a cache

\`cachectl doctor\` puts ${doctorRules.length} numbered rules to a server, its keys and its traffic. It changes nothing.

\`\`\`sh
cachectl doctor                              # all but the traffic
cachectl doctor --hits 30s                   # with the traffic of 30 seconds
cachectl doctor --no-keys --fail-on warning  # a quick gate
\`\`\`

- Each finding has its evidence, what it costs where that is known (bytes, misses a second, and money where the map has the
  \`missCost\` of a namespace), and a command to run. The worst come first.
- A rule whose facts could not be read is not judged, and listed with the reason: a user without the right, a service that blocks the
  command, traffic that was not observed.
- Rules that \`check\` and the grade of \`stats\` have as well use the same thresholds, and the limits of the map.
- It exits with 1 where a finding is of the severity of \`--fail-on\` (default: \`critical\`) or a worse one, else with 0.
- \`--only\` and \`--ignore\` take numbers or names. \`doctor.ignore\` of the map leaves rules out for good, each with its reason; what is
  ignored is listed in every result, so that a map from strangers hides nothing:

\`\`\`json
{ "doctor": { "ignore": { "CC101": "its container has the limit" } } }
\`\`\`

- \`--output junit\` has a test case for each rule, \`github\` annotations and a job summary, \`sarif\` a log of SARIF 2.1.0 for code
  scanning.
- Nothing is shown of the arguments of slow commands: these are keys and values.
- Known faults go by the version: a package of a distribution may have the mend under an older number.

${sections.join('\n')}`;

const options = await resolveConfig(new URL('doctor.md', import.meta.url));
process.stdout.write(await format(text, { ...options, parser: 'markdown' }));
