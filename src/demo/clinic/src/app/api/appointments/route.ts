import { bodyOf, json } from "../../../lib/json.ts";
import { bookAppointment, findPatient, findPatients, findSchedule, listAppointments } from "../../../lib/queries.ts";

const dayPattern = /^\d{4}-\d{2}-\d{2}$/;

/** The day's appointments with the patients' names, as the front desk prints them in the morning. */
export async function GET(request: Request): Promise<Response> {
  const day = new URL(request.url).searchParams.get("day") ?? "";
  if (!dayPattern.test(day)) {
    return json({ error: "The day must look like 2026-03-02" }, 400);
  }
  const schedule = await findSchedule(day);
  const appointments = await listAppointments(day, schedule.opensAt, schedule.closesAt);
  const patients = await findPatients(appointments.map((appointment) => appointment.patientId));
  const names = new Map(patients.map((patient) => [patient.id, patient.name]));
  return json({
    day,
    open: [schedule.opensAt, schedule.closesAt],
    appointments: appointments.map((appointment) => ({ ...appointment, patient: names.get(appointment.patientId) })),
  });
}

/** Books an appointment. */
export async function POST(request: Request): Promise<Response> {
  const { patientId, day, time } = await bodyOf(request);
  if (typeof patientId !== "string" || typeof day !== "string" || !dayPattern.test(day) || typeof time !== "number") {
    return json({ error: "A booking needs a patient, a day and a time" }, 400);
  }
  const patient = await findPatient(patientId);
  if (patient === undefined) {
    return json({ error: "Patient not found" }, 404);
  }
  return json({ appointment: await bookAppointment({ patientId: patient.id, day, time }) }, 201);
}
