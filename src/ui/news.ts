import type { BoardView } from "#domain/view.ts";
import type { Message } from "./toasts.tsx";

/** More at once is a storm, which the board itself shows better. */
const newsMax = 3;

/** An issue as far as news ask. */
export interface Ended {
  title: string;
  status: string;
  statusReason: string | null;
}

/**
 * What is worth a message between two sights of the board: a fix that waits for a person, a rollback, an issue that came to its
 * end. What a person ended (rejected, dismissed) is told to them where they did it. `read` finds an issue that left the board.
 */
export async function newsOf(
  before: BoardView,
  now: BoardView,
  read: (id: string) => Promise<Ended | undefined> = readIssue,
): Promise<Message[]> {
  const changes = changesOf(before, now).slice(0, newsMax);
  const messages = await Promise.all(
    changes.map(async ({ id, kind }): Promise<Message | undefined> => {
      const issue = await read(id);
      return issue === undefined ? undefined : messageOf(kind, issue, `/dashboard/agent/issues/${id}`);
    }),
  );
  return messages.filter((message) => message !== undefined);
}

type Kind = "asked" | "rolling_back" | "left";

function changesOf(before: BoardView, now: BoardView): { id: string; kind: Kind }[] {
  const asked = new Set(before.waiting.map(({ issueId, diffHash }) => `${issueId} ${diffHash}`));
  const wasRollingBack = new Set(before.flights.flatMap(({ id, status }) => (status === "rolling_back" ? [id] : [])));
  const here = new Set([...now.flights.map(({ id }) => id), ...now.waiting.map(({ issueId }) => issueId)]);
  const were = [...before.flights.map(({ id }) => id), ...before.waiting.map(({ issueId }) => issueId)];
  const isWhole = now.flightsInAll <= now.flights.length;
  return [
    ...now.waiting.flatMap(({ issueId, diffHash }) =>
      asked.has(`${issueId} ${diffHash}`) ? [] : [{ id: issueId, kind: "asked" as const }],
    ),
    ...now.flights.flatMap(({ id, status }) =>
      status === "rolling_back" && !wasRollingBack.has(id) ? [{ id, kind: "rolling_back" as const }] : [],
    ),
    // Where the board shows only some, one that is missing may just stand further down.
    ...(isWhole ? were.flatMap((id) => (here.has(id) ? [] : [{ id, kind: "left" as const }])) : []),
  ];
}

function messageOf(kind: Kind, { title, status, statusReason }: Ended, href: string): Message | undefined {
  if (kind === "asked") return { tone: "warn", title: "A fix waits for approval", text: title, href };
  if (kind === "rolling_back") return { tone: "bad", title: "A fix is being rolled back", text: title, href };
  if (status === "resolved") return { tone: "good", title: "Resolved", text: title, href };
  if (status === "failed") {
    return { tone: "bad", title: "Failed", text: statusReason === null ? title : `${title}: ${statusReason}`, href };
  }
  return undefined;
}

async function readIssue(id: string): Promise<Ended | undefined> {
  const response = await fetch(`/api/agent/issues/${id}`);
  return response.ok ? ((await response.json()) as Ended) : undefined;
}
