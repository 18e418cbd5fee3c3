/** The time. Decisions use the database's clock through this port, so that two servers never disagree. */
export interface Clock {
  now(): Date;
}
