import { connect, createServer, type Socket } from 'node:net';

/** A relay on 127.0.0.1 that can fail on demand. */
export interface Proxy {
  readonly port: number;
  readonly url: string;
  /** How many connections it has taken so far. */
  readonly connections: number;
  /** Resets every open connection; new ones are taken as before. */
  cut(): void;
  /** Resets every open connection, and takes no more. */
  refuse(): Promise<void>;
  /** Holds back every answer by so many milliseconds. */
  delay(millis: number): void;
  /** Passes each INFO reply on as the function gives it back, line by line; null: as it is. */
  rewriteInfo(change: ((line: string) => string | null) | null): void;
  /** Holds back every answer until `resume`. */
  stall(): void;
  resume(): void;
  stop(): Promise<void>;
}

/** Starts a relay to a port of 127.0.0.1. The caller stops it. */
export async function startProxy(targetPort: number): Promise<Proxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const held: (() => void)[] = [];
  let delayMillis = 0;
  let stalled = false;
  let connections = 0;
  let change: ((line: string) => string | null) | null = null;

  const server = createServer((near) => {
    connections++;
    const far = connect(targetPort, '127.0.0.1');
    const pair = [near, far] as const;
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
    near.on('data', (chunk) => far.write(chunk));
    let pending: Buffer = Buffer.alloc(0);
    far.on('data', (received) => {
      let chunk: Buffer = received;
      if (change !== null || pending.length > 0) {
        [chunk, pending] = withInfo(Buffer.concat([pending, received]), change ?? ((line) => line));
      }
      const pass = () => {
        if (!near.destroyed) near.write(chunk);
      };
      if (stalled) held.push(pass);
      else if (delayMillis > 0) setTimeout(pass, delayMillis);
      else pass();
    });
  });
  const cut = () => {
    for (const [near, far] of pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
    pairs.clear();
  };
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      cut();
    });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    port: address.port,
    url: `redis://127.0.0.1:${address.port}`,
    get connections() {
      return connections;
    },
    cut,
    refuse: close,
    rewriteInfo: (to) => (change = to),
    delay: (millis) => (delayMillis = millis),
    stall: () => (stalled = true),
    resume: () => {
      stalled = false;
      for (const pass of held.splice(0)) pass();
    },
    stop: close,
  };
}

/** The bytes with each INFO reply changed, and what has to wait for the rest of a reply. */
function withInfo(bytes: Buffer, change: (line: string) => string | null): [ready: Buffer, pending: Buffer] {
  const done: Buffer[] = [];
  let text = bytes.toString('latin1');
  for (;;) {
    const found = /\$(\d+)\r\n(?=# [A-Z])/.exec(text);
    if (found === null) return [Buffer.concat([...done, Buffer.from(text, 'latin1')]), Buffer.alloc(0)];
    const start = found.index + found[0].length;
    const end = start + Number(found[1]);
    if (text.length < end + 2) {
      done.push(Buffer.from(text.slice(0, found.index), 'latin1'));
      return [Buffer.concat(done), Buffer.from(text.slice(found.index), 'latin1')];
    }
    const lines = text.slice(start, end).split('\r\n');
    const changed = lines.map(change).filter((line) => line !== null);
    const reply = changed.join('\r\n');
    done.push(Buffer.from(`${text.slice(0, found.index)}$${reply.length}\r\n${reply}\r\n`, 'latin1'));
    text = text.slice(end + 2);
  }
}
