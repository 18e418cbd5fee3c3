export interface Patient {
  id: string;
  name: string;
  phone: string;
}

/** When the clinic is open on a day, in minutes after midnight. */
export interface Schedule {
  day: string;
  opensAt: number;
  closesAt: number;
}

export interface Appointment {
  id: string;
  patientId: string;
  day: string;
  /** Minutes after midnight. */
  time: number;
  state: "booked" | "cancelled";
}

export interface Campaign {
  id: string;
  name: string;
  script: string;
  audience: string[];
}

export interface Call {
  id: string;
  campaignId: string;
  patientId: string;
  state: "queued" | "done";
  endedAt: string | null;
}

export interface Account {
  patientId: string;
  currency: "EUR" | "CHF";
  discountPct: number;
}

export interface Invoice {
  id: string;
  patientId: string;
  amountCents: number;
  paidCents: number;
}

export interface Feedback {
  id: string;
  kind: "spelling" | "other";
  seenAt: string;
  text: string;
}
