import { z } from "zod";

const moment = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

/** Until when an issue is ignored; it comes back as soon as one of the conditions holds and it is seen again. */
export const MuteConditions = z
  .strictObject({
    until: moment.nullable().default(null),
    /** This many more events. */
    events: z.int().min(1).max(1_000_000_000).nullable().default(null),
    /** This many users that met it since then. */
    users: z.int().min(1).max(1_000_000_000).nullable().default(null),
    /** A spike against its own history. */
    spike: z.boolean().default(false),
  })
  .refine(({ until, events, users, spike }) => until !== null || events !== null || users !== null || spike, {
    message: "name at least one of until, events, users, spike; to ignore it for good, dismiss it",
  });
export type MuteConditions = z.infer<typeof MuteConditions>;

/** The conditions, from when on they count, and who set them. */
export const Mute = z.object({ ...MuteConditions.shape, since: moment, by: z.string().max(300) });
export type Mute = z.infer<typeof Mute>;
