import { Skeleton } from "#ui/skeleton.tsx";

export default function Loading() {
  return <Skeleton title="Detection" panels={["h-72", "h-72", "h-96"]} />;
}
