import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { type FaultName, type SystemName, systemNames } from '../../src/sandbox/systems.ts';
import { cachectl } from './contenders.ts';
import { measureWithOutput, say } from './measure.ts';
import { environmentIn, inTemporaryFolder } from './temporary-folder.ts';

/**
 * Puts a fault into the sandbox of each example system, and asks every surface about it: hits, doctor, check, report, metrics and
 * mcp. Each has to name the namespace and the cause. What each said is printed; ends with 1 where one did not.
 * Usage: npm run show:faults -- [system:fault …]
 */
const faults: Readonly<
  Record<FaultName, { readonly rule: string; readonly number: string; readonly cause: string }>
> = {
  'short-ttl': { rule: 'expires-too-soon', number: 'CC303', cause: 'expired' },
  'small-memory': { rule: 'evicted-too-soon', number: 'CC304', cause: 'evicted' },
  'invalidation-loop': { rule: 'removed-too-often', number: 'CC305', cause: 'invalidated' },
  'unstable-keys': { rule: 'never-read-again', number: 'CC307', cause: 'gone_or_new' },
};

const seconds = 4;

interface Scene {
  readonly fault: FaultName;
  /** Where the fault is, by the file of the sandbox. */
  readonly namespaces: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly folder: string;
}

/** What a surface said of the fault; null: nothing. */
type Surface = (scene: Scene) => Promise<string | null>;

interface Finding {
  readonly rule: string;
  readonly id?: string;
  readonly subject?: string | null;
  readonly namespace?: string;
  readonly message?: string;
}

async function jsonOf<Result>({ env }: Scene, ...args: readonly string[]): Promise<Result> {
  const { output } = await measureWithOutput(cachectl, [...args, '--output', 'json', '--quiet'], env);
  return JSON.parse(output) as Result;
}

const named = ({ namespaces, fault }: Scene, findings: readonly Finding[], word: 'rule' | 'id') =>
  findings.find(
    (each) => each[word] === faults[fault].rule && namespaces.includes(each.namespace ?? each.subject ?? ''),
  );

const surfaces: Readonly<Record<string, Surface>> = {
  async hits(scene) {
    const { findings } = await jsonOf<{ findings: Finding[] }>(scene, 'hits', '--for', `${seconds}s`);
    const found = named(scene, findings, 'rule');
    return found === undefined ? null : `${found.namespace}: ${found.rule}`;
  },
  async doctor(scene) {
    const args = ['doctor', '--no-keys', '--hits', `${seconds}s`];
    const { findings } = await jsonOf<{ findings: Finding[] }>(scene, ...args);
    const found = named(scene, findings, 'id');
    return found === undefined ? null : `${found.rule} ${found.subject}: ${found.message}`;
  },
  async check(scene) {
    const args = ['check', '--doctor', '--no-keys', '--hits', `${seconds}s`];
    const { checks } = await jsonOf<{ checks: { id: string; status: string; message: string }[] }>(
      scene,
      ...args,
    );
    const row = checks.find(({ id }) => id === faults[scene.fault].number);
    const isNamed =
      row?.status === 'warn' && scene.namespaces.some((name) => row.message.includes(`${name}: `));
    return isNamed ? `${row.status} ${row.id} ${row.message}` : null;
  },
  async report(scene) {
    const page = join(scene.folder, 'page.html');
    const { fileBytes } = await jsonOf<{ fileBytes: number }>(
      scene,
      'report',
      page,
      '--force',
      '--hits',
      `${seconds}s`,
    );
    const text = readFileSync(page, 'utf8');
    const { number } = faults[scene.fault];
    const line = new RegExp(`${number}: (${scene.namespaces.join('|')}): [^<(]*`).exec(text)?.[0];
    return line === undefined ? null : `${line.trim()} (page of ${Math.round(fileBytes / 1000)} kB)`;
  },
  async metrics({ env, namespaces, fault }) {
    const child = spawn(cachectl, ['metrics', '--listen', '127.0.0.1:0', '--hits', '--no-namespaces'], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const [address] = (await once(child.stdout, 'data')) as [Buffer];
      await sleep(seconds * 1000);
      const text = await (await fetch(address.toString().trim())).text();
      const misses = [...text.matchAll(/^cachectl_namespace_misses_total\{(.*)\} (\d+)/gm)].map(
        ([, labels = '', count = '0']) => ({ labels, count: Number(count) }),
      );
      const [most] = misses
        .filter(({ labels }) => namespaces.some((name) => labels.includes(`namespace="${name}"`)))
        .sort((left, right) => right.count - left.count);
      return most?.labels.includes(`cause="${faults[fault].cause}"`) === true
        ? `cachectl_namespace_misses_total{${most.labels}} ${most.count}`
        : null;
    } finally {
      const closed = once(child, 'close');
      child.kill('SIGINT');
      await closed;
    }
  },
  async mcp(scene) {
    const env = Object.fromEntries(
      Object.entries(scene.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    );
    const transport = new StdioClientTransport({ command: cachectl, args: ['mcp'], env });
    const client = new Client({ name: 'surfaces', version: '1' });
    await client.connect(transport);
    try {
      const answer = await client.callTool({ name: 'hits', arguments: { seconds } }, undefined, {
        timeout: 60_000,
      });
      const { untrusted } = answer.structuredContent as { untrusted: { findings: Finding[] } };
      const found = named(scene, untrusted.findings, 'rule');
      return found === undefined ? null : `tool hits: ${found.namespace}: ${found.rule}`;
    } finally {
      await client.close();
    }
  },
};

/** One fault of each system, so that each fault is seen. */
const usual: readonly (readonly [SystemName, FaultName])[] = [
  ['education', 'invalidation-loop'],
  ['content', 'short-ttl'],
  ['subjunctive', 'unstable-keys'],
  ['boardroom', 'small-memory'],
  ['honzik', 'short-ttl'],
];

const asked = process.argv.slice(2).map((word) => word.split(':') as [SystemName, FaultName]);
const odd = asked.find(([system, fault]) => !systemNames.includes(system) || !Object.hasOwn(faults, fault));
if (odd !== undefined)
  throw new Error(`\`${odd.join(':')}\` is no system with a fault, such as honzik:short-ttl`);

let silent = 0;
for (const [system, fault] of asked.length > 0 ? asked : usual)
  await inTemporaryFolder(async (folder) => {
    const example = new URL(`../../examples/${system}/sandbox.json`, import.meta.url);
    const { faults: places } = JSON.parse(readFileSync(example, 'utf8')) as {
      faults: Record<FaultName, string[]>;
    };
    const namespaces = places[fault].slice(1);
    say(`${system}, ${fault}: ${places[fault][0] ?? ''}`);
    // Tells where it is, and ends with its input.
    const tell = join(folder, 'tell.sh');
    writeFileSync(tell, 'echo "$REDIS_URL $CACHECTL_CONFIG"; exec cat\n');
    const sandbox = spawn(
      cachectl,
      ['sandbox', '--system', system, '--keys', '5000', '--fault', fault, '--quiet', '--', 'sh', tell],
      { env: environmentIn(folder), stdio: ['pipe', 'pipe', 'inherit'] },
    );
    const closed = once(sandbox, 'close');
    try {
      const [line] = (await once(sandbox.stdout, 'data')) as [Buffer];
      const [REDIS_URL, CACHECTL_CONFIG] = line.toString().trim().split(' ');
      const scene = {
        fault,
        namespaces,
        folder,
        env: { ...environmentIn(folder), REDIS_URL, CACHECTL_CONFIG },
      };
      for (const [name, surface] of Object.entries(surfaces)) {
        const said = await surface(scene);
        if (said === null) silent++;
        say(`  ${name.padEnd(8)}${said ?? 'DID NOT NAME IT'}`);
      }
    } finally {
      sandbox.stdin.end();
      await closed;
    }
  });
if (silent > 0) {
  say(`${silent} did not name the fault`);
  process.exitCode = 1;
}
