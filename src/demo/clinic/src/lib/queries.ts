import { seed } from "./seed.ts";
import type { Account, Appointment, Call, Campaign, Feedback, Invoice, Patient, Schedule } from "./types.ts";

const data = seed(process.env.ENVIRONMENT ?? "development");
const feedback: Feedback[] = [];
/** Beyond this the oldest go: the store is memory. */
const recordsMax = 2_000;

export async function findPatient(id: string): Promise<Patient | undefined> {
  return data.patients.find((patient) => patient.id === id);
}

export async function findPatients(ids: string[]): Promise<Patient[]> {
  return data.patients.filter((patient) => ids.includes(patient.id));
}

/** The opening hours of a day; days on which the clinic is closed have none. */
export async function findSchedule(day: string): Promise<Schedule | null> {
  return data.schedules.find((schedule) => schedule.day === day) ?? null;
}

export async function listAppointments(day: string, from: number, until: number): Promise<Appointment[]> {
  return data.appointments.filter((one) => one.day === day && one.time >= from && one.time < until);
}

export async function findAppointment(id: string): Promise<Appointment | undefined> {
  return data.appointments.find((appointment) => appointment.id === id);
}

export async function bookAppointment(booking: Pick<Appointment, "patientId" | "day" | "time">): Promise<Appointment> {
  const appointment: Appointment = { ...booking, id: `apt-${nextId()}`, state: "booked" };
  keep(data.appointments, appointment);
  return appointment;
}

export async function cancelAppointment(id: string): Promise<void> {
  const appointment = data.appointments.find((one) => one.id === id);
  if (appointment !== undefined) appointment.state = "cancelled";
}

export async function listCampaigns(): Promise<Campaign[]> {
  return data.campaigns;
}

export async function findCampaign(id: string): Promise<Campaign | undefined> {
  return data.campaigns.find((campaign) => campaign.id === id);
}

export async function queueCalls(campaignId: string, patientIds: string[]): Promise<Call[]> {
  const queued = patientIds.map((patientId): Call => {
    return { id: `call-${nextId()}`, campaignId, patientId, state: "queued", endedAt: null };
  });
  for (const call of queued) keep(data.calls, call);
  return queued;
}

export async function listCalls(limit: number): Promise<Call[]> {
  return data.calls.slice(-limit);
}

export async function listCallsOf(day: string): Promise<Call[]> {
  return data.calls.filter((call) => call.endedAt?.startsWith(day));
}

export async function findCall(id: string): Promise<Call | undefined> {
  return data.calls.find((call) => call.id === id);
}

export async function findAccount(patientId: string): Promise<Account | undefined> {
  return data.accounts.find((account) => account.patientId === patientId);
}

export async function listInvoices(patientId: string): Promise<Invoice[]> {
  return data.invoices.filter((invoice) => invoice.patientId === patientId);
}

export async function recordPayment(invoiceId: string, amountCents: number): Promise<Invoice | undefined> {
  const invoice = data.invoices.find((one) => one.id === invoiceId);
  if (invoice !== undefined) invoice.paidCents += amountCents;
  return invoice;
}

export async function keepFeedback(entry: Omit<Feedback, "id">): Promise<Feedback> {
  const kept = { ...entry, id: `fb-${nextId()}` };
  keep(feedback, kept);
  return kept;
}

let lastId = 10_000;
function nextId(): number {
  lastId += 1;
  return lastId;
}

/** New records push out old ones of their own kind; what the seed brought stays. */
function keep<T>(records: T[], record: T): void {
  records.push(record);
  if (records.length > recordsMax) records.splice(recordsMax / 2, 1);
}
