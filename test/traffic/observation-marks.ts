import { connect } from 'node:net';
import { encode } from './load-connection.ts';

/** What the marks of an observation look like, in the events of the server. */
const markPattern = /cachectl:mark:[^\r]*/g;
const limitMillis = 20_000;

/**
 * Watches an observation from outside. Each instant that it fixes is a lookup of a key that is not there, and that brings
 * an event to everybody who has subscribed; nothing on its stderr reports them where that is no terminal.
 */
export interface MarkWatch {
  /** The server reports marks from now on. */
  readonly listening: Promise<void>;
  /** So many marks were made. @throws Error when they are not for a long time */
  readonly seen: Promise<void>;
  close(): void;
}

export function watchMarks(port: number, count: number): MarkWatch {
  const socket = connect({ port, host: '127.0.0.1' });
  let late: NodeJS.Timeout | undefined;
  const listening = new Promise<void>((resolve, reject) => {
    socket.once('data', () => resolve());
    socket.once('error', reject);
  });
  const seen = new Promise<void>((resolve, reject) => {
    const marks = new Set<string>();
    let cut = '';
    late = setTimeout(() => reject(new Error('no observation goes on')), limitMillis);
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      const text = cut + chunk.toString('latin1');
      const end = text.lastIndexOf('\r') + 1;
      cut = text.slice(end);
      for (const [mark] of text.slice(0, end).matchAll(markPattern)) marks.add(mark);
      if (marks.size >= count) resolve();
    });
  });
  seen.catch(() => undefined);
  socket.write(encode('SUBSCRIBE', '__keyevent@0__:keymiss'));
  return {
    listening,
    seen,
    close: () => {
      clearTimeout(late);
      socket.destroy();
    },
  };
}
