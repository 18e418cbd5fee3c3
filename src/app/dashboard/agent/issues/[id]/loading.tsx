import { Skeleton } from "#ui/skeleton.tsx";

export default function Loading() {
  return <Skeleton title="Issue" panels={["h-8", "h-64", "h-72", "h-96"]} />;
}
