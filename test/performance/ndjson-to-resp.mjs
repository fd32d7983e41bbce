import { Buffer } from 'node:buffer';
import process from 'node:process';
import { createInterface } from 'node:readline';

// What one would write to feed `redis-cli --pipe`: records {key, value, ttl} on stdin, SET commands on stdout.
let commands = '';
const flush = () => {
  process.stdout.write(commands);
  commands = '';
};
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const { key, value, ttl } = JSON.parse(line);
  const words = ['SET', key, value, 'EX', String(ttl)];
  commands +=
    `*${words.length}\r\n` + words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('');
  if (commands.length > 65_536) flush();
});
lines.on('close', flush);
