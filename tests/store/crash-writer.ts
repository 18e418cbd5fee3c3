import { connectEmbedded } from "#store/connect.ts";
import { migrate } from "#store/migrate.ts";
import { issues } from "#store/schema.ts";
import { action, appendActions } from "#store/write/actions.ts";

// Run by crash.test.ts as a process of its own: writes without end and names every issue whose transaction was acknowledged.
const [directory = "", migrations = ""] = process.argv.slice(2);
const connection = await connectEmbedded({ directory });
await migrate(connection, { directory: migrations });
for (;;) {
  const id = await connection.db.transaction(async (tx) => {
    const [row] = await tx
      .insert(issues)
      .values({ severity: "P3", issueType: "typo", title: "t", message: "m".repeat(2_000) })
      .returning({ id: issues.id });
    if (row === undefined) throw new Error("nothing was inserted");
    await appendActions(tx, [action({ actor: "agent", action: "issue.detected", issueId: row.id })]);
    return row.id;
  });
  process.stdout.write(`${id}\n`);
}
