import { Skeleton } from "#ui/skeleton.tsx";

export default function Loading() {
  return <Skeleton title="Audit log" panels={["h-10", "h-14", "h-screen"]} />;
}
