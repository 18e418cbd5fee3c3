/**
 * Called by Next.js when a server starts. Self-hosted it starts the workers; on Vercel the cron routes do their work.
 * The two variables tell what the code was built for and are known before any configuration is.
 */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME === "nodejs" && process.env.VERCEL !== "1") {
    const { startWorkers } = await import("./instrumentation/workers.ts");
    await startWorkers();
  }
}
