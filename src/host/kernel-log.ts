import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { errorCode } from '../lib/errors.ts';

/** An XID, the NVIDIA driver's error number, for one GPU. */
export interface XidEvent {
  kind: 'xid';
  /** Seconds since boot; null where the line has no such time. */
  atSeconds: number | null;
  xid: number;
  /** Bus address as the driver writes it: `0000:01:00`. */
  pciBusId: string;
  message: string;
}

/** A process that the kernel ended because memory ran out. */
export interface OomKillEvent {
  kind: 'oom_kill';
  atSeconds: number | null;
  /** Id of the Docker container of the process; null when it was in none, or the line does not say. */
  containerId: string | null;
  /** `limit`: the container reached its own limit; `machine`: the whole machine ran out; null: the line does not say. */
  scope: 'limit' | 'machine' | null;
  process: string | null;
  message: string;
}

export type KernelEvent = XidEvent | OomKillEvent;

/** A record of /dev/kmsg: `priority,sequence,microseconds,flags;message`; or a line of dmesg, with or without a syslog prefix. */
const KMSG_RECORD = /^\d+,\d+,(\d+),[^;]*;/;
const DMESG_TIME = /^(?:<\d+>)?\s*(?:[^[]{0,200}?kernel: )?\[\s*(\d+\.\d+)\]\s*/;

/** From drivers 390 to 595; older ones leave `PCI:` out. */
const XID = /NVRM: Xid \((?:PCI:)?([0-9a-fA-F]{4,8}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}(?:\.\d)?)\): (\d+)/;

/** mm/oom_kill.c, Linux 4.19 (first) and 5.0 on (second); the second line names the process. */
const OOM_SUMMARY = /oom-kill:constraint=(CONSTRAINT_\w+)/;
const OOM_VICTIM = /(Memory cgroup out|Out) of memory(?: \([^)]*\))?: Kill(?:ed)? process \d+ \(([^)]*)\)/;
/** `/docker/ID`, `/system.slice/docker-ID.scope`, `cpuset=ID`. */
const CONTAINER_ID =
  /task_memcg=[^,]*?([0-9a-f]{64})|oom_memcg=[^,]*?([0-9a-f]{64})|cpuset=(?:docker-)?([0-9a-f]{64})/;

/** What one line of the kernel log reports; null for nearly every line. */
export function parseKernelLine(line: string): KernelEvent | null {
  const xid = XID.exec(line);
  if (xid !== null) {
    return {
      kind: 'xid',
      atSeconds: secondsOf(line),
      xid: Number(xid[2]),
      pciBusId: xid[1] ?? '',
      message: line.slice(xid.index),
    };
  }
  const summary = OOM_SUMMARY.exec(line);
  const victim = OOM_VICTIM.exec(line);
  const found = summary ?? victim;
  if (found === null) return null;
  const container = CONTAINER_ID.exec(line);
  const limited =
    summary === null ? victim?.[1]?.startsWith('Memory cgroup') : summary[1] === 'CONSTRAINT_MEMCG';
  return {
    kind: 'oom_kill',
    atSeconds: secondsOf(line),
    containerId: container?.[1] ?? container?.[2] ?? container?.[3] ?? null,
    scope: limited === undefined ? null : limited ? 'limit' : 'machine',
    process: victim?.[2] ?? /,task=([^,]*)/.exec(line)?.[1] ?? null,
    message: line.slice(found.index),
  };
}

function secondsOf(line: string): number | null {
  const micros = KMSG_RECORD.exec(line)?.[1];
  if (micros !== undefined) return Number(micros) / 1e6;
  const seconds = DMESG_TIME.exec(line)?.[1];
  return seconds === undefined ? null : Number(seconds);
}

/** Where the kernel gives its log out, record by record, to everyone who may read it. */
const KMSG = '/dev/kmsg';
/** A record is at most this long (LOG_LINE_MAX and its head); a shorter buffer is refused. */
const RECORD_BYTES = 8192;
/** Records taken at one look, so that a kernel that floods its log does not hold the loop. */
const RECORDS_PER_LOOK = 20_000;

/** Reads what the kernel has reported. */
export interface KernelLog {
  /**
   * Events since the last call, at the first since boot as far as the kernel still has them. Never rejects; null where the
   * log may not be read (no device, no right: CAP_SYSLOG is needed where kernel.dmesg_restrict is set).
   */
  poll(): Promise<KernelEvent[] | null>;
  close(): Promise<void>;
}

/** Makes a reader of /dev/kmsg: no process is started, and a look without news is one system call. */
export function createKernelLog(path: string = KMSG): KernelLog {
  let file: FileHandle | null = null;
  const buffer = Buffer.alloc(RECORD_BYTES);

  const readRecord = async (handle: FileHandle): Promise<string | null> => {
    try {
      const { bytesRead } = await handle.read(buffer, 0, RECORD_BYTES, null);
      return bytesRead === 0 ? null : buffer.toString('utf8', 0, bytesRead);
    } catch (error) {
      // The records that were to come have been overwritten by newer ones: the next read goes on with those.
      if (errorCode(error) === 'EPIPE') return '';
      if (errorCode(error) === 'EAGAIN') return null;
      throw error;
    }
  };

  return {
    async poll() {
      const events: KernelEvent[] = [];
      try {
        file ??= await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
        for (let count = 0; count < RECORDS_PER_LOOK; count += 1) {
          const record = await readRecord(file);
          if (record === null) return events;
          for (const line of record.split('\n')) {
            const event = parseKernelLine(line);
            if (event !== null) events.push(event);
          }
        }
        return events;
      } catch {
        await file?.close().catch(() => undefined);
        file = null;
        return null;
      }
    },
    async close() {
      await file?.close().catch(() => undefined);
      file = null;
    },
  };
}
