import { expect, it } from "vitest";
import { Failure } from "#domain/failure.ts";
import { type BatchLimits, createBatches } from "#engine/batches.ts";

const roomy: BatchLimits = { waitMs: 1, eventsMax: 10, queuedEventsMax: 100, queuedBytesMax: 1_000 };

/** Writes that end when they are told to. */
function aWriter(limits: Partial<BatchLimits> = {}) {
  const written: number[][] = [];
  const waiting: ((error?: Error) => void)[] = [];
  let began: () => void = () => undefined;
  const batches = createBatches<number>(
    { ...roomy, ...limits },
    (item) => ({ events: 1, bytes: item }),
    async (items) => {
      written.push(items);
      began();
      await new Promise<void>((done, failed) => waiting.push((error) => (error ? failed(error) : done())));
    },
  );
  const begin = () =>
    new Promise<void>((done) => {
      began = done;
      if (waiting.length > 0) done();
    });
  const end = async (error?: Error) => {
    await begin();
    waiting.shift()?.(error);
  };
  return { batches, written, end };
}

it("writes together what arrives together, and what arrives meanwhile afterwards, in order", async () => {
  const { batches, written, end } = aWriter();
  const first = [batches.add(1), batches.add(2)];
  await new Promise((done) => setTimeout(done, 5));
  const second = [batches.add(3), batches.add(4)];
  await end();
  await Promise.all(first);
  await end();
  await Promise.all(second);
  expect(written).toEqual([
    [1, 2],
    [3, 4],
  ]);
});

it("does not wait for company when the batch is full, and divides what is more", async () => {
  const { batches, written, end } = aWriter({ waitMs: 60_000 });
  const all = Array.from({ length: 25 }, (_, n) => batches.add(n));
  for (let n = 0; n < 3; n++) await end();
  await Promise.all(all);
  expect(written.map(({ length }) => length)).toEqual([10, 10, 5]);
});

it.each([
  ["events", { queuedEventsMax: 2 }, 1],
  ["bytes", { queuedBytesMax: 100 }, 50],
])("refuses at once what is too much in %s, and takes it again when something was written", async (_, limits, size) => {
  const { batches, end } = aWriter(limits);
  const held = [batches.add(size), batches.add(size)];
  await expect(batches.add(size)).rejects.toMatchObject({ code: "rate_limited" });
  await end();
  await Promise.all(held);
  const third = batches.add(size);
  await end();
  await third;
});

it("takes one item that is larger than everything, when nothing else waits", async () => {
  const { batches, end } = aWriter({ queuedBytesMax: 10 });
  const large = batches.add(1_000);
  await end();
  await large;
});

it("keeps a bad item from taking the others with it", async () => {
  const written: number[] = [];
  const batches = createBatches<number>(
    roomy,
    () => ({ events: 1, bytes: 1 }),
    async (items) => {
      if (items.includes(13)) throw new Error("bad luck");
      written.push(...items);
    },
  );
  const results = await Promise.allSettled([12, 13, 14].map((item) => batches.add(item)));
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(written).toEqual([12, 14]);
});

it("tells everybody of an outage, and asks once", async () => {
  const { batches, written, end } = aWriter();
  const all = [batches.add(1), batches.add(2)];
  await end(new Failure("unavailable", "away"));
  expect((await Promise.allSettled(all)).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(written).toEqual([[1, 2]]);
});

it("has written everything when it is drained", async () => {
  const { batches, written, end } = aWriter({ waitMs: 60_000 });
  const one = batches.add(1);
  const drained = batches.drained();
  await end();
  await Promise.all([one, drained, batches.drained()]);
  expect(written).toEqual([[1]]);
});
