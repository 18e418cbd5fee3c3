import type { ErrorEvent, Thrown } from "#domain/event.ts";

const linksMax = 8;
const linkMessageMax = 1_000;
const linkFramesMax = 10;

/**
 * Which exception of a chain decides where an error belongs: the innermost one that the application shows in, because
 * wrappers say the same about many causes (detection.md §2.3.9). Every protocol asks here. `thrown` runs outermost first.
 */
export function decided(thrown: Thrown[]): Pick<ErrorEvent, "errorType" | "message" | "frames" | "chain"> {
  const link = thrown.findLast(({ frames }) => frames.some(({ inApp }) => inApp)) ?? thrown[0];
  const kept = thrown.length > linksMax ? [...thrown.slice(0, linksMax - 1), ...thrown.slice(-1)] : thrown;
  return {
    errorType: link?.type ?? null,
    message: link?.message ?? "",
    frames: link?.frames ?? [],
    chain: thrown.length < 2 ? [] : kept.map(shortened),
  };
}

function shortened({ type, message, frames }: Thrown): Thrown {
  return { type, message: message.slice(0, linkMessageMax).toWellFormed(), frames: frames.slice(0, linkFramesMax) };
}
