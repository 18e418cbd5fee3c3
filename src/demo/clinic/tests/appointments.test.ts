import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, post } from "./support.ts";

test("lists a day's appointments with the patients' names", async () => {
  const { status, body } = await ask("/api/appointments?day=2026-03-02");
  assert.equal(status, 200);
  assert.deepEqual(body.open, [480, 1020]);
  assert.equal(body.appointments.length, 4);
  assert.equal(body.appointments[0].patient, "Ada Winter");
});

test("asks for a day that can be read", async () => {
  assert.equal((await ask("/api/appointments?day=tomorrow")).status, 400);
});

test("books an appointment for a known patient", async () => {
  const booked = await ask("/api/appointments", post({ patientId: "pat-6", day: "2026-03-05", time: 840 }));
  assert.equal(booked.status, 201);
  const { body } = await ask(`/api/appointments/${booked.body.appointment.id}`);
  assert.deepEqual(body.appointment, booked.body.appointment);
});

test("books nothing for an unknown patient or without a time", async () => {
  assert.equal((await ask("/api/appointments", post({ patientId: "pat-0", day: "2026-03-05", time: 840 }))).status, 404);
  assert.equal((await ask("/api/appointments", post({ patientId: "pat-1", day: "2026-03-05" }))).status, 400);
});

test("a cancelled appointment is gone", async () => {
  const cancelled = await ask("/api/appointments/apt-5", { method: "DELETE" });
  assert.equal(cancelled.body.appointment.state, "cancelled");
  assert.equal((await ask("/api/appointments/apt-5")).status, 410);
});

test("an unknown appointment is not found", async () => {
  const { status, body } = await ask("/api/appointments/apt-0");
  assert.equal(status, 404);
  assert.deepEqual(body, { error: "Appointment not found" });
});
