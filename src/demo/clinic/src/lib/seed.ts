import type { Account, Appointment, Call, Campaign, Invoice, Patient, Schedule } from "./types.ts";

const names = ["Ada Winter", "Ben Holm", "Carla Reis", "Dino Marsh", "Edda Frost", "Finn Oakes", "Greta Lund", "Hugo Pine"];
const days = ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06"];
const scripts = ["We look forward to seeing you.", "Your yearly check-up is due."];

export interface Data {
  patients: Patient[];
  schedules: Schedule[];
  appointments: Appointment[];
  campaigns: Campaign[];
  calls: Call[];
  accounts: Account[];
  invoices: Invoice[];
}

/** The same records on every start. Production has history that a fresh environment does not have. */
export function seed(environment: string): Data {
  const patients = names.map((name, n) => ({ id: `pat-${n + 1}`, name, phone: `+49 30 5550 ${100 + n}` }));
  const data: Data = {
    patients,
    schedules: days.map((day) => ({ day, opensAt: 8 * 60, closesAt: 17 * 60 })),
    appointments: appointmentsOf(patients),
    campaigns: scripts.map((script, n) => ({
      id: `camp-${n + 1}`,
      name: n === 0 ? "Reminder for tomorrow" : "Yearly check-up",
      script,
      audience: patients.slice(n, n + 5).map((patient) => patient.id),
    })),
    calls: days.map((day, n) => ({
      id: `call-${n + 1}`,
      campaignId: `camp-${(n % 2) + 1}`,
      patientId: `pat-${n + 1}`,
      state: "done",
      endedAt: `${day}T10:${10 + n}:00.000Z`,
    })),
    accounts: patients.map(({ id }, n) => ({ patientId: id, currency: n % 3 === 0 ? "CHF" : "EUR", discountPct: 0 })),
    invoices: patients.map(({ id }, n) => ({ id: `inv-${n + 1}`, patientId: id, amountCents: 4_000 + 500 * n, paidCents: 0 })),
  };
  return environment === "production" ? withHistory(data) : data;
}

function appointmentsOf(patients: Patient[]): Appointment[] {
  return days.flatMap((day, d) =>
    patients.slice(0, 4).map((patient, n) => ({
      id: `apt-${d * 4 + n + 1}`,
      patientId: patient.id,
      day,
      time: 9 * 60 + n * 45,
      state: n === 3 ? ("cancelled" as const) : ("booked" as const),
    })),
  );
}

/** Records that came with the move from the old system in 2019: the campaigns of that time were not taken along. */
function withHistory(data: Data): Data {
  const old: Call = {
    id: "call-2019",
    campaignId: "camp-2019-flu",
    patientId: "pat-2",
    state: "done",
    endedAt: "2019-11-18T15:40:00.000Z",
  };
  return { ...data, calls: [...data.calls, old] };
}
