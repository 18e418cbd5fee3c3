import type { Sha } from "#domain/ids.ts";
import type { Repository } from "#ports/repository.ts";
import type { GitWorld } from "./git.ts";
import { unreachableHumanCommits } from "./git.ts";

export interface InterleavingReport {
  /** People's commits that the remote accepted and that nothing reaches any more. Must be empty. */
  lost: Sha[];
  humanCommits: number;
  /** How often each answer came: shows that the runs were not all the same. */
  answers: Record<string, number>;
}

/**
 * The agent ships to staging and main while a person pushes to both, in an order that follows from `seed`: before, between,
 * after and at the same moment as the agent's steps (reliability C3).
 */
export async function interleave(
  { repository, world }: { repository: Repository; world: GitWorld },
  { seed, rounds }: { seed: number; rounds: number },
): Promise<InterleavingReport> {
  const random = seeded(seed);
  const recorded: Sha[] = [];
  const answers: Record<string, number> = {};

  async function personPushes(round: number): Promise<void> {
    const branch = random() < 0.5 ? "main" : "staging";
    const file = `people/${round}-${Math.floor(random() * 1e9)}.txt`;
    const commit = await world.person.tryCommit(branch, { [file]: `${seed}/${round}\n` });
    if (commit !== undefined) recorded.push(commit);
  }
  async function step<T>(round: number, act: () => Promise<T>): Promise<T> {
    const chance = random();
    if (chance < 0.08) await personPushes(round);
    if (chance < 0.88) return act();
    const [result] = await Promise.all([act(), personPushes(round)]);
    return result;
  }
  for (let round = 0; round < rounds; round++) {
    for (const answer of await agentShips({ repository, seed, round }, (act) => step(round, act))) {
      answers[answer] = (answers[answer] ?? 0) + 1;
    }
  }
  return { lost: await unreachableHumanCommits(world.remote, recorded), humanCommits: recorded.length, answers };
}

type Step = <T>(act: () => Promise<T>) => Promise<T>;

/** One fix on its way, as the pipeline does it: cut from main, put on staging, promoted to main. */
async function agentShips(
  { repository, seed, round }: { repository: Repository; seed: number; round: number },
  step: Step,
): Promise<string[]> {
  const at = new Date(1_700_000_000_000 + round * 1_000);
  const base = await step(() => repository.head("main"));
  if (base === undefined) throw new Error("main is gone");
  const edits = [{ path: `fixes/${round}.txt`, content: `fix ${seed}/${round}\n` }];
  const fix = await repository.commit({ base, edits, message: "Fix\n", at });
  const composed = await step(() => repository.compose({ base, fix: fix.commit, message: "Merge\n", at }));
  if (composed.kind === "conflict") return ["conflict"];
  const to = composed.commit;
  const answers: string[] = [];
  const staged = await step(() => repository.head("staging"));
  if (staged !== undefined) {
    const advanced = await step(() => repository.advance("staging", { from: staged, to }));
    answers.push(`staging ${advanced.kind}`);
    if (advanced.kind === "not_forward") {
      const replaced = await step(() => repository.replace("staging", { from: staged, to }));
      const kept = replaced.kind === "replaced" && replaced.archivedAs !== null ? " and kept" : "";
      answers.push(`staging ${replaced.kind}${kept}`);
    }
  }
  const promoted = await step(() => repository.advance("main", { from: base, to }));
  return [...answers, `main ${promoted.kind}`];
}

/** A small repeatable source of chance (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
