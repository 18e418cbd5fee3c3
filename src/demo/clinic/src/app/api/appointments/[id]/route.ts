import { json } from "../../../../lib/json.ts";
import { cancelAppointment, findAppointment } from "../../../../lib/queries.ts";

interface Context {
  params: Promise<{ id: string }>;
}

export async function GET(_request: Request, { params }: Context): Promise<Response> {
  const { id } = await params;
  const appointment = await findAppointment(id);
  if (appointment === undefined) {
    return json({ error: "Appointment not found" }, 404);
  }
  if (appointment.state === "cancelled") {
    return json({ error: "Appointment not avaliable" }, 410);
  }
  return json({ appointment });
}

export async function DELETE(_request: Request, { params }: Context): Promise<Response> {
  const { id } = await params;
  const appointment = await findAppointment(id);
  if (appointment === undefined) {
    return json({ error: "Appointment not found" }, 404);
  }
  await cancelAppointment(appointment.id);
  return json({ appointment: { ...appointment, state: "cancelled" } });
}
