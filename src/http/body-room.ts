/**
 * How much of all bodies together is held at one moment: as they came, as they were unpacked, until their requests are
 * answered. Many large bodies at once are refused then, and memory stays flat (reliability D23).
 */
export interface BodyRoom {
  readonly bytesMax: number;
  /** Held now. */
  bytes: number;
}

export function createBodyRoom(bytesMax: number): BodyRoom {
  return { bytesMax, bytes: 0 };
}

/** Six of the largest bodies, packed and unpacked; a storm of an SDK's ordinary events needs some megabytes. */
const bytesMax = 256 * 1024 * 1024;
export const sharedBodyRoom = createBodyRoom(bytesMax);

/** Whoever holds bytes, and in which room. Requests that never entered one are not counted. */
const holders = new WeakMap<object, { room: BodyRoom; bytes: number }>();

/** From now on `holder` counts, until it leaves. */
export function enterRoom(room: BodyRoom, holder: object): void {
  holders.set(holder, { room, bytes: 0 });
}

/** Whether there is room for `bytes` more; if so, they are held. */
export function holdBytes(holder: object, bytes: number): boolean {
  const held = holders.get(holder);
  if (held === undefined) return true;
  if (held.room.bytes + bytes > held.room.bytesMax) return false;
  held.room.bytes += bytes;
  held.bytes += bytes;
  return true;
}

export function leaveRoom(holder: object): void {
  const held = holders.get(holder);
  if (held === undefined) return;
  held.room.bytes -= held.bytes;
  holders.delete(holder);
}
