import { redirect } from "next/navigation";

/** Vigil is its dashboard. */
export default function IndexPage(): never {
  redirect("/dashboard/agent");
}
