import { describe, expect, it } from "vitest";
import { FixId, IssueId } from "#domain/ids.ts";
import { deployments, fixes } from "#store/schema.ts";
import { writeEvidence } from "#store/write/evidence.ts";
import { insertIssue } from "#tests/engine/an-engine.ts";
import { aCandidate, aDeployment, aDiagnosis, aSha, now, previousCommit, someErrors } from "#tests/support/builders.ts";
import { databases } from "#tests/support/databases.ts";

const url = "https://github.com/a/b/pull/7";

describe.each(databases())("a merge by a person on $name", ({ open }) => {
  it("makes what landed the candidate, with the one release that was prepared", async () => {
    const connection = await open();
    try {
      const issueId = IssueId.parse(await insertIssue(connection));
      const landed = aSha("7");
      const { id: _, ...planned } = aDeployment({ environment: "production", state: "pending", watchFrom: null });
      const place = { projectId: "default", issueId };
      const fixId = await connection.db.transaction((tx) =>
        writeEvidence(tx, { ...place, fixId: null }, [
          { kind: "diagnosis", diagnosis: aDiagnosis(), feedback: [] },
          { kind: "candidate", candidate: aCandidate, rebuilt: false },
          { kind: "pull_request", pullRequest: { url, number: 7, head: aCandidate.commit, mergeAskedAt: now } },
          { kind: "deployment", deployment: { ...planned, previousCommit: null, baseline: null } },
        ]),
      );
      const before = { previousCommit, baseline: someErrors(2, 100) };
      await connection.db.transaction((tx) =>
        writeEvidence(tx, { ...place, fixId }, [
          { kind: "landed", commit: landed, by: "ada", startedAt: now, ...before },
          { kind: "deployment", deployment: { ...planned, commit: landed, ...before } },
        ]),
      );
      const [fix] = await connection.db.select().from(fixes);
      expect(fix).toMatchObject({
        id: FixId.parse(fixId),
        candidateCommit: landed,
        candidateTree: aCandidate.tree,
        pullRequestNumber: 7,
        pullRequestHead: aCandidate.commit,
        mergeAskedAt: now,
      });
      expect(await connection.db.select().from(deployments)).toMatchObject([
        { commitSha: landed, startedAt: now, ...before },
      ]);
    } finally {
      await connection.close();
    }
  }, 60_000);
});
