/** What a dead man's switch needs: to hear from us at every tick (detection.md §2.4.8). */
export interface HeartbeatOptions {
  /** The operator's own address: https, or on this machine. */
  url: string;
  /** For everything together. */
  timeoutMs?: number;
  /** Hears why a ping did not arrive; whoever listens at the other end misses it anyway. */
  onTrouble(error: unknown): void;
}

const timeoutByDefaultMs = 5_000;

/** Creates the ping: one GET, no redirect, nothing of the answer is read. Never throws, and ends in time. */
export function createHeartbeat({ url, timeoutMs = timeoutByDefaultMs, onTrouble }: HeartbeatOptions) {
  return async (): Promise<void> => {
    try {
      const answer = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(timeoutMs) });
      await answer.body?.cancel();
      if (!answer.ok) onTrouble(new Error(`HEARTBEAT_URL answered ${answer.status}`));
    } catch (cause) {
      // The address is a secret of its own: nothing of it goes into a log.
      onTrouble(new Error("HEARTBEAT_URL could not be reached", { cause }));
    }
  };
}
