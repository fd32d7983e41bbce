import { type Info, infoNumber } from '../../redis/info.ts';
import { type Check, finding, fromEachInfo, held, unreported } from '../check.ts';
import { count, say, seconds } from '../../support/phrase.ts';

/** Whether the data has the copies it is meant to have: on replicas and on disk. */
export const durability: readonly Check[] = [
  {
    id: 'role',
    assess: fromEachInfo((info) => {
      const role = info['role'];
      if (role === undefined) return unreported('role');
      return role === 'slave' ? replicaOf(info) : primaryOf(info);
    }),
  },
  {
    id: 'replication-lag',
    assess: fromEachInfo((info, { maxReplicationLagSeconds: limit }) => {
      const lag = lagSecondsOf(info);
      if (lag === 'unreported')
        return unreported(info['role'] === 'slave' ? 'master_last_io_seconds_ago' : 'connected_slaves');
      if (lag === null) return finding('skip', say`nothing is replicated`, { limit, unit: 'seconds' });
      const remedy = 'look at the network between primary and replica, and at `INFO replication`';
      return held(
        { value: lag, limit, unit: 'seconds', evidence: { lagSeconds: lag }, remedy },
        info['role'] === 'slave'
          ? say`last heard of the primary ${seconds(lag)} ago`
          : say`the slowest replica is ${seconds(lag)} behind`,
      );
    }),
  },
  {
    id: 'persistence',
    assess: fromEachInfo((info) => {
      const snapshot = info['rdb_last_bgsave_status'];
      const append = info['aof_last_write_status'];
      const rewrite = info['aof_last_bgrewrite_status'];
      if (snapshot === undefined) return unreported('rdb_last_bgsave_status');
      if (info['aof_enabled'] === undefined) return unreported('aof_enabled');
      const appends = info['aof_enabled'] === '1';
      if (appends && append === undefined) return unreported('aof_last_write_status');
      const evidence = {
        snapshotStatus: snapshot,
        appendWriteStatus: append ?? null,
        appendRewriteStatus: rewrite ?? null,
        appendOnly: appends,
      };
      const failed = (status: 'warn' | 'fail', message: string, again = '') => {
        const remedy = `look at the log of the server, and at the space and the owner of its folder${again}`;
        return finding(status, [message], { evidence, remedy });
      };
      if (snapshot !== 'ok') {
        const message = 'the last snapshot failed, and a server that saves then refuses writes';
        return failed('fail', message, '; `BGSAVE` tries again');
      }
      if (appends && append !== 'ok') return failed('fail', 'the last write to the append-only file failed');
      if (appends && rewrite !== undefined && rewrite !== 'ok')
        return failed(
          'warn',
          'the last rewrite of the append-only file failed',
          '; `BGREWRITEAOF` tries again',
        );
      const found = appends
        ? say`snapshots and append-only file without errors`
        : say`snapshots without errors, no append-only file`;
      return finding('pass', found, { evidence });
    }),
  },
];

function primaryOf(info: Info) {
  const replicas = infoNumber(info, 'connected_slaves');
  const found =
    replicas === null
      ? say`primary; its replicas are not reported`
      : replicas === 0
        ? say`primary, no replicas`
        : say`primary with ${count(replicas, 'replica')}`;
  return finding('pass', found, { evidence: { role: 'primary', replicas } });
}

function replicaOf(info: Info) {
  const { master_host: host, master_port: port, master_link_status: link } = info;
  const primary =
    host === undefined || port === undefined ? 'a primary that is not reported' : `${host}:${port}`;
  if (link === undefined) return unreported('master_link_status');
  const evidence = { role: 'replica', primary, link };
  if (link === 'up') return finding('pass', say`replica of ${primary}, link up`, { evidence });
  const copying = info['master_sync_in_progress'] === '1';
  const downSeconds = infoNumber(info, 'master_link_down_since_seconds');
  const state = copying
    ? say`still copying the dataset`
    : downSeconds === null || downSeconds < 0
      ? say`the link is down`
      : say`the link has been down for ${seconds(downSeconds)}`;
  return finding('fail', [`replica of ${primary}: `, ...state], {
    evidence: { ...evidence, copying, downSeconds },
    remedy: copying
      ? 'try again when it is done; `INFO replication` shows how far it is'
      : `see that ${primary} runs and can be reached from the replica, and that \`masterauth\` is its password`,
  });
}

/** Seconds behind; null: nothing is replicated. Of a replica since it last heard of its primary, of a primary its slowest replica in step. */
function lagSecondsOf(info: Info): number | null | 'unreported' {
  if (info['role'] === 'slave') {
    const silence = infoNumber(info, 'master_last_io_seconds_ago');
    if (silence === null) return 'unreported';
    return silence < 0 ? null : silence;
  }
  const lags = Object.entries(info).flatMap(([name, value]) => {
    const lag = /^slave\d+$/.test(name) ? /\bstate=online\b.*\blag=(\d+)/.exec(value)?.[1] : undefined;
    return lag === undefined ? [] : [Number(lag)];
  });
  if (lags.length > 0) return Math.max(...lags);
  return infoNumber(info, 'connected_slaves') === null ? 'unreported' : null;
}
