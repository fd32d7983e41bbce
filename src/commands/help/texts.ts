import { exitCodeLines } from '../exit-codes.ts';
import { examples } from '../runner.ts';
import type { HelpTopic } from './topics.ts';

/** In the form of the text below a command's options. Each fits a terminal of 80 columns and 24 lines. */
export const topicTexts: Readonly<Record<HelpTopic, string>> = {
  patterns: `A pattern matches whole keys. It is written in the same way in the map and on the command line.

  user:        this text; braces too, as in user:{<id>} for a cluster
  *            anything, also nothing, and also delimiters
  <id>         one whole segment between delimiters; any name will do
  <int>        a segment that is a whole number. So do <uuid>, <date>, <email>,
               <ip>, <hash> (hex digits) and <token> match their shape only
  \\* \\< \\\\     the character itself; on the command line also \\? and \\[

Put patterns in quotes, or the shell expands them. --match takes a glob of the server instead, with ? and [a-z].
${examples(
  ["cachectl keys 'user:<id>:profile'", 'not user:1:a:profile'],
  ["cachectl keys 'user:*:profile'", 'user:1:a:profile too'],
  ["cachectl inspect 'stats:*:<date>'", 'keys that end in a day'],
  ['cachectl invalidate user 12 --dry-run', 'an id is no pattern: never 123'],
)}`,
  map: `The map names what is in a cache in the application's own words. Without one, namespaces are inferred from the keys.

  profiles     connections for --profile; may be protected or readOnly
  namespaces   keys that belong together: pattern, TTL, hit rate target, and
               kind: cache, or state, which no bulk removal touches
  entities     what \`invalidate\` takes, as \`user\`, and the patterns of its keys
  thresholds   limits for \`check\` and \`stats\`

The map is the file of --config or CACHECTL_CONFIG, else the nearest cachectl.config.json, searched upwards, else cachectl/cachectl.config.json in ~/.config. A map that was found by searching connects only after \`cachectl config trust\`.
${examples(
  ['cachectl config init', 'write a first map, from a live cache'],
  ['cachectl config validate', 'mistakes, with line and column'],
  ['cachectl config show', 'what is in force, and where it comes from'],
  ['cachectl config schema', 'the JSON Schema, for an editor'],
)}`,
  'exit-codes': `Every command exits with one of these codes. 1 is an answer; from 2 on, the command could not do its work.

${exitCodeLines}
${examples(
  ['cachectl check --strict', '1 for warnings too'],
  ['cachectl ttl session:1 >/dev/null', '0: the key is there, 1: it is not'],
  ['cachectl diff backup.archive', '1 where the two differ'],
  ['cachectl invalidate user 123 --yes', '0 where nothing matched, too'],
)}`,
  output: `stdout carries the result; stderr carries progress, warnings and errors. --output or CACHECTL_OUTPUT chooses the form:

  table    for people; the default on a terminal
  tsv      tab-separated lines without a heading; the default in a pipe
  csv      the table that the command is about, with a heading
  json     one object, with the same fields on success and on failure
  ndjson   a line of JSON for each row, and a last one with the rest
  junit    a report of \`check\` or \`doctor\`; github: annotations and a job summary;
           sarif: what they found, for code scanning

Numbers in JSON are raw, with the unit in the name (memoryBytes, ttlSeconds); ratios go from 0 to 1, and null means not reported. \`ok\` is false where the command failed, and \`error\` says why. Control characters in keys are escaped everywhere but in JSON. NO_COLOR and FORCE_COLOR are respected.
${examples(
  ['cachectl stats -o json | jq .namespaces', 'for a script'],
  ["cachectl keys 'user:*' -lo csv > keys.csv", 'for a spreadsheet'],
  ['cachectl check --output github', 'for GitHub Actions'],
)}`,
  connections: `The server is that of --url, else --profile, CACHECTL_URL, REDIS_URL, the defaultProfile of the map, else redis://127.0.0.1:6379/0.

  URL        HOST:PORT, redis://USER@HOST:PORT/DB, rediss:// for TLS,
             unix:///path/to.sock
  password   REDISCLI_AUTH, --password-file, --ask-password, or passwordEnv or
             passwordFile of a profile: none of them shows in the process list
  cluster    --cluster, with the URL of any node: all primaries are used
  Sentinel   a profile with the name of the primary and the URLs of Sentinels
  TLS        --tls-ca, --tls-cert, --tls-key, --tls-server-name, --insecure

A server that is lost or not ready is tried again for 30 seconds (--retry-for). \`protected\` profiles ask for their name before a change, and readOnly ones refuse it.
${examples(
  ['cachectl check -u cache:6379', 'does it answer?'],
  ['cachectl stats -u redis://cache:7000 --cluster', 'all primaries'],
  ['cachectl config show', 'which server, and why'],
  ['cachectl acl stats inspect', 'the least rights of a user'],
)}`,
};
